import { randomUUID } from "node:crypto";
import type { BatchId, ProjectId } from "../../../event/event.ts";
import type { Collections, EventDocument } from "../documents.ts";
import { upsert } from "../writes.ts";
import { unsealedKey } from "./documents.ts";

/** A segment that was marked rests for so long: what is erased next is often in it, too. */
const ownRestMs = 5_000;

/**
 * Say that a batch is stored. To be called once what it owns will never change, and before it is
 * acknowledged: until it is in a segment it is read by this announcement.
 */
export async function announce(
  { unsealed }: Collections,
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
        events: events.length,
        bytes: events.reduce((sum, { body }) => sum + body.length, 0),
        at: now,
      },
      $min: { from: Math.min(...instants) },
      $max: { to: Math.max(...instants) },
    };
    await upsert(unsealed, unsealedKey(project, batch), update);
  }
}

/**
 * Events of these batches are gone, or more of them came: columns that were built before are read
 * no more. To be called after the events were changed.
 */
export async function markSegments(
  { segments }: Collections,
  project: ProjectId,
  batches: readonly BatchId[],
  now: number,
  restMs = ownRestMs,
): Promise<void> {
  const named = [...new Set(batches)];
  for (let at = 0; at < named.length; at += batchesAtOnce) {
    const some = named.slice(at, at + batchesAtOnce);
    await segments.updateMany(
      { project, batches: { $in: some } },
      { $set: { isMarked: true, mark: randomUUID(), dueAt: now + restMs } },
    );
  }
}

const batchesAtOnce = 500;
