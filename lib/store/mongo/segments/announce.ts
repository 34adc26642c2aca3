import { randomUUID } from "node:crypto";
import type { BatchId, ProjectId } from "../../../event/event.ts";
import { inOneAnswer, type Collections, type EventDocument } from "../documents.ts";
import { upsert } from "../writes.ts";
import { unsealedKey } from "./documents.ts";

/**
 * A marked segment is not rebuilt for this long: the next erased events are often in the same
 * segment.
 */
const ownRestMs = 5_000;

/**
 * Announces that a batch is stored. Called once its ownership will never change, and before it is
 * acknowledged: until it is in a segment, questions find it by this announcement.
 */
export async function announce(
  { unsealed }: Pick<Collections, "unsealed">,
  batch: BatchId,
  own: readonly Pick<EventDocument, "project" | "timestamp" | "body">[],
  now: number,
): Promise<void> {
  for (const [project, events] of Map.groupBy(own, (event) => event.project)) {
    const instants = events.map(({ timestamp }) => timestamp);
    const update = {
      $set: {
        project,
        batch,
        nonce: randomUUID(),
        at: now,
      },
      $min: { from: Math.min(...instants) },
      // A delivery may bring some of the events alone.
      $max: {
        to: Math.max(...instants),
        events: events.length,
        bytes: events.reduce((sum, { body }) => sum + body.length, 0),
      },
    };
    await upsert(unsealed, unsealedKey(project, batch), update);
  }
}

/**
 * Announces a batch of a project by the events that are stored of it, as old as its oldest event is.
 * Called for a batch that its processor may not have announced.
 */
export async function announceStored(
  collections: Pick<Collections, "events" | "unsealed">,
  project: ProjectId,
  batch: BatchId,
): Promise<void> {
  const stored = await collections.events
    .find({ project, batch }, inOneAnswer)
    .project<Pick<EventDocument, "project" | "timestamp" | "receivedAt" | "body">>({
      project: 1,
      timestamp: 1,
      receivedAt: 1,
      body: 1,
    })
    .toArray();
  const at = Math.min(...stored.map(({ receivedAt }) => receivedAt));
  await announce(collections, batch, stored, at);
}

/**
 * Marks the batches whose events were erased, unsealed ones and the segments of others. Readers then
 * ignore the columns that were built before. Called after the events were changed. Announcements
 * come first: whoever puts a segment looks at its announcements afterwards (seal.ts).
 * @param restMs for how long no columns are built of them. It must be given where this is called
 *   before the events are changed as well.
 */
export async function markBatches(
  { segments, unsealed }: Pick<Collections, "segments" | "unsealed">,
  project: ProjectId,
  batches: readonly BatchId[],
  now: number,
  restMs?: number,
): Promise<void> {
  const named = [...new Set(batches)];
  for (let at = 0; at < named.length; at += batchesAtOnce) {
    const some = named.slice(at, at + batchesAtOnce);
    const keys = some.map((batch) => unsealedKey(project, batch));
    const rest = restMs === undefined ? {} : { dueAt: now + restMs };
    await unsealed.updateMany({ _id: { $in: keys } }, { $set: { mark: randomUUID(), ...rest } });
  }
  await markSegments({ segments }, project, named, now, restMs);
}

/**
 * Marks the segments of batches that came again and may have brought more events.
 * @param restMs as of `markBatches`
 */
export async function markSegments(
  { segments }: Pick<Collections, "segments">,
  project: ProjectId,
  batches: readonly BatchId[],
  now: number,
  restMs?: number,
): Promise<void> {
  for (let at = 0; at < batches.length; at += batchesAtOnce) {
    const some = batches.slice(at, at + batchesAtOnce);
    const rest = restMs === undefined ? {} : { restsUntil: now + restMs };
    await segments.updateMany(
      { project, batches: { $in: some } },
      {
        $set: { isMarked: true, mark: randomUUID(), dueAt: now + (restMs ?? ownRestMs), ...rest },
      },
    );
  }
}

const batchesAtOnce = 500;
