import { deltasOf } from "../../counting/delta.ts";
import { ServiceError } from "../../errors.ts";
import type { StoredEvent } from "../../event/event.ts";
import type { EntityBatch } from "./insert.ts";
import { type EntityKey } from "./query.ts";
import { storeBatch } from "../protocol.ts";
import type { EventStore } from "../store.ts";

/** A stored event as moleculer-db sees it. `_id` is `project:id`. */
export type EventEntity = StoredEvent & { readonly _id: string };

export interface EntityStoreOptions {
  /** What is rolled up of inserted events. */
  readonly dimensions: readonly string[];
  /** Store the addresses of inserted events whole. */
  readonly fullIp: boolean;
}

export function entityOf(event: StoredEvent): EventEntity {
  return { _id: `${event.project}:${event.id}`, ...event };
}

/**
 * Stores entities, and counts them, as the processor does: each project's are a batch of their own
 * (`batchesOf`). One that is there already, by id and content, is a success. Without the queue before
 * it a crash within this call may leave events that no rollup counts.
 * @returns their keys, in the order of the entities within each project
 * @throws ServiceError INVALID_EVENT before anything is stored; ID_CONFLICT after the others were
 */
export async function storeEntities(
  store: EventStore,
  entities: readonly object[],
  { dimensions, fullIp }: EntityStoreOptions,
): Promise<readonly EntityKey[]> {
  // Loaded here: the tables of enrichment take memory that most processes do not need.
  const { batchesOf } = await import("./insert.ts");
  const batches = batchesOf(entities, { fullIp, now: Date.now() });
  await Promise.all(batches.map((batch) => storeOne(store, batch, dimensions)));
  return batches.flatMap(({ events }) => events.map(({ project, id }) => ({ project, id })));
}

async function storeOne(
  store: EventStore,
  { batch, project, events }: EntityBatch,
  dimensions: readonly string[],
): Promise<void> {
  const count = (some: readonly StoredEvent[]) => deltasOf(batch, project, some, dimensions);
  const done = { batch, project, events, deltas: count(events) };
  const { foreign } = await storeBatch(store, done, (owned) => Promise.resolve(count(owned)));
  const hashes = new Map(events.map(({ id, hash }) => [id, hash]));
  if (foreign.some(({ id, hash }) => hashes.get(id) !== hash)) {
    throw new ServiceError("ID_CONFLICT");
  }
}
export function immutable(): Promise<never> {
  return Promise.reject(new ServiceError("METHOD_NOT_ALLOWED", "Stored events never change"));
}
