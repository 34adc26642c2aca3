import { LRUCache } from "lru-cache";
import type { ProjectId } from "../event.ts";
import { compileSchema, type Described, type SchemaCheck } from "./check.ts";
import type { SchemasOfProject, TypeSchema, Verdict } from "./schema.ts";

type Known = ReadonlyMap<string, TypeSchema & { check?: SchemaCheck }>;

/** Judges events by schemas, and keeps those of some projects compiled. */
export class Judge {
  readonly #known = new LRUCache<ProjectId, { readonly key: string; readonly byType: Known }>({
    max: 50,
  });

  /**
   * The verdict of the schema of an event's type; `undefined` where there is no schema, or the
   * event keeps it.
   */
  judge(schemas: SchemasOfProject, event: Described): Verdict | undefined {
    const schema = this.#schemasOf(schemas).get(event.type);
    if (schema === undefined) return undefined;
    schema.check ??= compileSchema(schema.schema);
    const findings = schema.check(event);
    if (findings.length === 0) return undefined;
    return { mode: schema.mode, version: schema.version, findings };
  }

  #schemasOf({ project, key, bytes }: SchemasOfProject): Known {
    const known = this.#known.get(project);
    if (known?.key === key) return known.byType;
    const schemas = JSON.parse(
      new TextDecoder().decode(new Uint8Array(bytes).slice()),
    ) as TypeSchema[];
    const byType = new Map(schemas.map((schema) => [schema.type, schema]));
    this.#known.set(project, { key, byType });
    return byType;
  }
}
