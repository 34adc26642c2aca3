import { isDeepStrictEqual } from "node:util";
import { LRUCache } from "lru-cache";
import type { JsonObject, ProjectId } from "../event.ts";
import { compileSchema, type Described, type SchemaCheck } from "./check.ts";
import type { SchemasOfProject, TypeSchema, Verdict } from "./schema.ts";

/** What a judge keeps, in bytes of the schemas' JSON. */
export const judgeBounds = {
  /** Parsed: some five bytes of memory for each. A project's may have 6.6 MB. */
  parsedBytes: 8_388_608,
  /** Compiled: up to 90 bytes of memory for each, and never less than a small schema needs. */
  compiledBytes: 393_216,
  leastCompiledBytes: 256,
} as const;

interface Known {
  readonly key: string;
  readonly byType: ReadonlyMap<string, TypeSchema>;
}

/** Judges events by schemas, and keeps those compiled that it needed last. */
export class Judge {
  readonly #known = new LRUCache<ProjectId, Known>({ maxSize: judgeBounds.parsedBytes });
  /** By the object that is the schema, whichever project's. */
  readonly #checks = new LRUCache<JsonObject, SchemaCheck>({ maxSize: judgeBounds.compiledBytes });

  /**
   * The verdict of the schema of an event's type; `undefined` where there is no schema, or the
   * event keeps it.
   */
  judge(schemas: SchemasOfProject, event: Described): Verdict | undefined {
    const known = this.#schemasOf(schemas).get(event.type);
    if (known === undefined) return undefined;
    const findings = this.#checkOf(known.schema)(event);
    if (findings.length === 0) return undefined;
    return { mode: known.mode, version: known.version, findings };
  }

  #checkOf(schema: JsonObject): SchemaCheck {
    let check = this.#checks.get(schema);
    if (check === undefined) {
      check = compileSchema(schema);
      const size = Math.max(JSON.stringify(schema).length, judgeBounds.leastCompiledBytes);
      this.#checks.set(schema, check, { size });
    }
    return check;
  }

  #schemasOf({ project, key, bytes }: SchemasOfProject): Known["byType"] {
    const known = this.#known.get(project);
    if (known?.key === key) return known.byType;
    const schemas = JSON.parse(
      new TextDecoder().decode(new Uint8Array(bytes).slice()),
    ) as TypeSchema[];
    const byType = new Map(
      schemas.map((one) => [one.type, withSchemaOf(known?.byType.get(one.type), one)]),
    );
    this.#known.set(project, { key, byType }, { size: bytes.byteLength });
    return byType;
  }
}

/** The schema is the same object where it did not change, so that it stays compiled. */
function withSchemaOf(before: TypeSchema | undefined, now: TypeSchema): TypeSchema {
  if (before === undefined || !isDeepStrictEqual(before.schema, now.schema)) return now;
  return { ...now, schema: before.schema };
}
