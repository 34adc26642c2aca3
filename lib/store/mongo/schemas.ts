import { Semaphore } from "../../concurrency/semaphore.ts";
import type { ProjectId } from "../../event/event.ts";
import type { CurrentSchema, KeptSchema, SchemaStore } from "../schemas.ts";
import type { MongoLink } from "./connection.ts";
import { inOneAnswer } from "./documents.ts";
import { insertAbsent } from "./writes.ts";

/** The document of `counters` that changes with the schemas. */
const counter = "schemas";

/**
 * The schemas, a document for each type of events. A counter announces a change once it is made.
 */
export class MongoSchemas implements SchemaStore {
  readonly #link: MongoLink;
  /** Schemas are counted, then put: one at a time, so that a process puts none above the limit. */
  readonly #putting = new Semaphore(1);

  constructor(link: MongoLink) {
    this.#link = link;
  }

  put(schema: KeptSchema, limit: number): Promise<"kept" | "stale" | "full"> {
    return this.#putting.run(() => this.#put(schema, limit));
  }

  #put(schema: KeptSchema, limit: number): Promise<"kept" | "stale" | "full"> {
    return this.#link.run(async ({ schemas, counters }) => {
      const { project, type, revision, current } = schema;
      const _id = schemaKey(project, type);
      // The index over a project's schemas serves this: there are few.
      const others = await schemas
        .find({ project }, { ...inOneAnswer, projection: { hasCurrent: 1 } })
        .toArray();
      const taken = others.filter((other) => other.hasCurrent && other._id !== _id).length;
      if (current !== "" && taken >= limit) return "full";
      const document = { ...schema, hasCurrent: current !== "" };
      const isKept =
        revision === 1
          ? (await insertAbsent(schemas, [{ _id, ...document }])).length === 0
          : (await schemas.replaceOne({ _id, revision: revision - 1 }, document)).matchedCount ===
            1;
      if (!isKept) return "stale";
      await counters.findOneAndUpdate({ _id: counter }, { $inc: { n: 1 } }, { upsert: true });
      return "kept";
    });
  }

  find(project: ProjectId, type: string): Promise<KeptSchema | undefined> {
    return this.#link.run(async ({ schemas }) => {
      const found = await schemas.findOne({ _id: schemaKey(project, type) });
      if (found === null) return undefined;
      const { revision, current, versions } = found;
      return { project, type, revision, current, versions };
    });
  }

  current(of?: ProjectId): Promise<readonly CurrentSchema[]> {
    return this.#link.run(async ({ schemas }) => {
      const filter = of === undefined ? { hasCurrent: true } : { project: of, hasCurrent: true };
      const projection = { project: 1, type: 1, current: 1 };
      const found = await schemas.find(filter, { ...inOneAnswer, projection }).toArray();
      return found
        .map(({ project, type, current }) => ({ project, type, current }))
        .toSorted((a, b) => byText(a.project, b.project) || byText(a.type, b.type));
    });
  }

  version(): Promise<number> {
    return this.#link.run(
      async ({ counters }) => (await counters.findOne({ _id: counter }))?.n ?? 0,
    );
  }
}

/** Neither a project nor a type has a `|`. */
function schemaKey(project: ProjectId, type: string): string {
  return `${project}|${type}`;
}

function byText(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
