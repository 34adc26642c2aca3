import { startOf, type Bucket } from "../../counting/bucket.ts";
import type { BatchId, ProjectId } from "../../event/event.ts";
import {
  deltaKey,
  inOneAnswer,
  type Collections,
  type DeltaDocument,
  type EventDocument,
} from "./documents.ts";
import { announceStored } from "./segments/announce.ts";
import { insertAbsent } from "./writes.ts";

/**
 * An empty delta in a batch's place: a processor that brings the batch's own delta counts the
 * minute anew.
 */
export function emptyDelta(_id: string, project: ProjectId, minute: number) {
  return { _id, project, minute, sections: {}, folded: true, anew: true } as const;
}

/**
 * Inserts empty deltas for batches that have none in a minute. Whoever stored such a batch may not
 * have announced it either, so it is announced before: a batch with a delta is not looked for again.
 */
export async function complete(
  collections: Pick<Collections, "deltas" | "events" | "unsealed">,
  { project, start }: Bucket,
  batches: readonly BatchId[],
): Promise<void> {
  const { deltas } = collections;
  for (const batch of batches) await announceStored(collections, project, batch);
  const absent = batches.map((b) => emptyDelta(deltaKey(b, project, start), project, start));
  await insertAbsent(deltas, absent);
}

/**
 * Those of a batch's events whose minutes the batch has not counted yet. From now on it counts
 * these minutes anew, whatever another delivery of it has found.
 */
export async function uncounted(
  { deltas }: Collections,
  batch: BatchId,
  events: readonly EventDocument[],
): Promise<readonly EventDocument[]> {
  const keyOf = ({ project, timestamp }: EventDocument) =>
    deltaKey(batch, project, startOf("minute", timestamp));
  const empty = new Map(
    events.map((event) => {
      const key = keyOf(event);
      return [key, emptyDelta(key, event.project, startOf("minute", event.timestamp))] as const;
    }),
  );
  await insertAbsent(deltas, [...empty.values()]);
  const open = await deltas
    .find({ _id: { $in: [...empty.keys()] }, anew: true }, inOneAnswer)
    .project<Pick<DeltaDocument, "_id">>({ _id: 1 })
    .toArray();
  const keys = new Set(open.map(({ _id }) => _id));
  return events.filter((event) => keys.has(keyOf(event)));
}
