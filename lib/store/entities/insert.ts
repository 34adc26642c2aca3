import { randomUUIDv7 } from "node:crypto";
import { ServiceError } from "../../errors.ts";
import { admit } from "../../event/admit.ts";
import { clientReader } from "../../event/enrich/user-agent.ts";
import { enrich, type EnrichTools } from "../../event/enrich/enrich.ts";
import type { BatchId, ProjectId, StoredEvent } from "../../event/event.ts";

/** The events of one project among inserted entities, as one batch. */
export interface EntityBatch {
  readonly batch: BatchId;
  readonly project: ProjectId;
  readonly events: readonly StoredEvent[];
}

interface InsertOptions {
  /** Store addresses whole. */
  readonly fullIp: boolean;
  /** Epoch milliseconds. */
  readonly now: number;
}

const clientOf = clientReader(1_000);

/**
 * Turns entities into events: a client's event, with `project` beside it (absent: `default`). They
 * are checked and enriched as collected events are, except that no country is looked up.
 * @throws ServiceError INVALID_EVENT with the findings; nothing is stored then
 */
export function batchesOf(
  entities: readonly object[],
  { fullIp, now }: InsertOptions,
): readonly EntityBatch[] {
  const tools: EnrichTools = { clientOf, countryOf: () => undefined, fullIp };
  const byProject = Map.groupBy(entities.map(split), ({ project }) => project);
  return [...byProject].map(([project, members]) => {
    const inputs = members.map(({ input }) => input);
    const { results, accepted } = admit(inputs, { now, newId: () => randomUUIDv7() });
    for (const result of results) {
      if (result.status === "rejected") {
        throw new ServiceError("INVALID_EVENT", undefined, { errors: result.error.errors });
      }
    }
    const batch = randomUUIDv7();
    const events = accepted.map(({ event }) => enrich(event, { batch, project }, tools));
    return { batch, project, events };
  });
}

function split(entity: object): { readonly project: ProjectId; readonly input: object } {
  const { project = "default", _id, ...input } = entity as Record<string, unknown>;
  if (typeof project !== "string" || !/^[A-Za-z0-9._-]{1,64}$/.test(project)) {
    const message = "project must be 1-64 of A-Za-z0-9._-";
    throw new ServiceError("INVALID_EVENT", undefined, {
      errors: [{ pointer: "/project", code: "project", message }],
    });
  }
  if (typeof _id !== "string") return { project, input };
  const prefix = `${project}:`;
  const id = _id.startsWith(prefix) ? _id.slice(prefix.length) : _id;
  return { project, input: { ...input, id } };
}
