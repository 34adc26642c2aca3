import { ServiceError } from "../errors.ts";
import type { BatchId, StoredEvent } from "../event/event.ts";
import { inOneAnswer, type Collections } from "./mongo-collections.ts";
import { toDocument, type EventDocument } from "./mongo-documents.ts";
import { insertAbsent } from "./mongo-write.ts";
import type { Ownership } from "./store.ts";

/** Insert the events that are absent and tell whose each of them is. */
export async function append(
  collections: Collections,
  batch: BatchId,
  events: readonly StoredEvent[],
): Promise<Ownership> {
  const documents = events.map((event) => toDocument(event, batch));
  const there = await insertAbsent(collections.events, documents);
  const strangers = await strangersOf(
    collections,
    batch,
    there.map((at) => documents[at]!),
  );
  const owned = documents.filter(({ _id }) => !strangers.has(_id));
  const foreign = documents.flatMap(({ _id, id }) => {
    const hash = strangers.get(_id);
    return hash === undefined ? [] : [{ id, hash }];
  });
  return { owned: new Set(owned.map(({ id }) => id)), foreign };
}

/** Of events that were there those of other batches, by `_id`, with their hashes. */
async function strangersOf(
  { events }: Collections,
  batch: BatchId,
  there: readonly EventDocument[],
): Promise<ReadonlyMap<string, string>> {
  if (there.length === 0) return new Map();
  const stored = await events
    .find({ _id: { $in: there.map(({ _id }) => _id) } }, inOneAnswer)
    .project<Pick<EventDocument, "_id" | "batch" | "hash">>({ batch: 1, hash: 1 })
    .toArray();
  // Events are not removed; a server that has lost one it just had may not be asked.
  if (stored.length < there.length) throw new ServiceError("STORE_UNAVAILABLE");
  return new Map(
    stored.filter((event) => event.batch !== batch).map(({ _id, hash }) => [_id, hash]),
  );
}
