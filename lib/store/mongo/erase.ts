import { grainMs, startOf, type Bucket } from "../../counting/bucket.ts";
import type { Cells } from "../../counting/cells.ts";
import { keyCells } from "../../counting/delta.ts";
import type { BatchId, EventId, ProjectId, StoredEvent } from "../../event/event.ts";
import type { EventQuery } from "../../event/filter.ts";
import { searchChanges } from "../changed.ts";
import type { Erasable, ErasablePage, Recounted, Refusal } from "../erasing.ts";
import {
  bucketId,
  deltaKey,
  eventKey,
  fromDocument,
  isTombstone,
  tombstone,
  type Collections,
  type EventDocument,
  type Tombstone,
} from "./documents.ts";
import { emptyDelta } from "./empty-deltas.ts";
import { countAnew, foldAnew, type Counts } from "./folds.ts";
import { erasableHeld, forgetNotes } from "./held.ts";
import { markDirty } from "./marks.ts";
import { page } from "./pages.ts";
import { lackingAmong } from "./retention.ts";
import { cellsSum } from "./sections.ts";
import { markBatches } from "./segments/announce.ts";
import { insertAbsent, writeAll } from "./writes.ts";

/** The number of events in memory at a time while minutes are counted anew. */
const eventBlock = 1_000;

/** The number of minutes that are counted anew at a time; the cells of all are in memory. */
const minutesAtOnce = 32;

export async function erasable(
  collections: Collections,
  query: EventQuery,
  timeoutMs: number,
): Promise<ErasablePage> {
  // Events in quarantine come first: an event that is released meanwhile is found among the stored
  // ones.
  const held = query.after === undefined ? await erasableHeld(collections, query) : [];
  if (held.length > 0) return { events: held };
  const { events, next } = await page(collections, query, { maxBytes: Infinity, timeoutMs });
  const found = events.map(({ id, batch, timestamp }) => ({ id, batch, timestamp }));
  return { events: found, ...(next !== undefined && { next }) };
}

/**
 * Erases events. A tombstone takes each event's place under its id, so a later insert of the same
 * id brings nothing back. Then the batches of the events are marked, and each batch gets an
 * empty delta where it has none: a processor that has yet to write its delta finds the empty one,
 * and counts the minute anew.
 */
export async function erase(
  collections: Collections,
  project: ProjectId,
  gone: readonly Erasable[],
  refusal: Refusal,
): Promise<void> {
  const { events, deltas } = collections;
  await writeAll(
    events,
    gone.map(({ id, batch }) => {
      const _id = eventKey(project, id);
      const replacement = tombstone(refusal) as unknown as EventDocument;
      const filter = { _id, $or: [{ batch }, { heldBy: batch }] } as object;
      return { _id, operation: { replaceOne: { filter, replacement } } };
    }),
  );
  await markBatches(
    collections,
    project,
    gone.map(({ batch }) => batch),
    Date.now(),
  );
  await forgetNotes(
    collections,
    gone.map(({ id, batch }) => ({ event: eventKey(project, id), batch })),
  );
  const minutes = new Map(
    gone.map(({ batch, timestamp }) => {
      const minute = startOf("minute", timestamp);
      return [deltaKey(batch, project, minute), minute] as const;
    }),
  );
  await insertAbsent(
    deltas,
    [...minutes].map(([_id, minute]) => emptyDelta(_id, project, minute)),
  );
}

export async function erasedAt(
  { events }: Collections,
  project: ProjectId,
  id: EventId,
): Promise<number | undefined> {
  const existing = await events.findOne({ _id: eventKey(project, id) });
  if (existing === null || !isTombstone(existing)) return undefined;
  return (existing as unknown as Tombstone).erasedAt;
}

/**
 * Puts a tombstone under an id, so that no event with the id is accepted.
 * @returns false where an event has the id
 */
export async function refuse(
  { events }: Collections,
  project: ProjectId,
  id: EventId,
  refusal: Refusal,
): Promise<boolean> {
  const _id = eventKey(project, id);
  const document = { _id, ...tombstone(refusal) } as unknown as EventDocument;
  if ((await insertAbsent(events, [document])).length === 0) return true;
  const existing = await events.findOne({ _id });
  if (existing === null || !isTombstone(existing)) return false;
  const { erasedAt } = existing as unknown as Tombstone;
  const renewed = tombstone({ ...refusal, at: Math.max(refusal.at, erasedAt) });
  const filter = { _id, erasedAt } as object;
  await events.replaceOne(filter, renewed as unknown as EventDocument);
  return true;
}

/**
 * Counts minutes anew from their events, and marks them dirty. Several minutes are read at a time:
 * servers that look at each event for a query do that once for all of them.
 */
export async function recount(
  collections: Collections,
  minutes: readonly Bucket[],
  dimensions: readonly string[],
): Promise<void> {
  const distinct = [...new Map(minutes.map((minute) => [bucketId(minute), minute])).values()];
  for (let at = 0; at < distinct.length; at += minutesAtOnce) {
    await foldAnew(
      collections,
      distinct.slice(at, at + minutesAtOnce),
      (some, counts) => countMinutes(collections, some, counts, dimensions),
      (some) => lackingAmong(collections, some),
    );
  }
  if (minutes.length > 0) await markDirty(collections, minutes);
}

/**
 * Computes the cells that `recount` would write, without writing them, lists the batches of older
 * events that it leaves out, and compares each event with the hash of what was sent.
 */
export async function recounted(
  collections: Collections,
  minute: Bucket,
  before: number,
  dimensions: readonly string[],
): Promise<Recounted> {
  let uncounted = new Set<BatchId>();
  let changes = searchChanges();
  const sum = await countAnew(collections, minute, async (counts) => {
    uncounted = new Set();
    changes = searchChanges();
    const inspect: Inspect = (event, isCounted) => {
      if (!isCounted && event.receivedAt < before) uncounted.add(event.batch);
      changes.add(event);
    };
    const ofBatch: Counts = (_, batch) => counts(batch);
    const [cells] = await countMinutes(collections, [minute], ofBatch, dimensions, inspect);
    return cells!;
  });
  return { ...sum, uncounted: [...uncounted], changed: changes.found };
}

/** Called with each event of some minutes, whether its batch counts or not. */
type Inspect = (event: StoredEvent, isCounted: boolean) => void;

/** Counts the events of minutes whose batches count, in the order of the minutes. */
async function countMinutes(
  { events }: Collections,
  minutes: readonly Bucket[],
  counts: Counts,
  dimensions: readonly string[],
  inspect?: Inspect,
): Promise<readonly Cells[]> {
  const sums = new Map(
    minutes.map((minute) => [
      bucketId(minute),
      { minute, sum: cellsSum(), block: [] as StoredEvent[] },
    ]),
  );
  // A server that looks at each event for this ends a comparison at the first field that differs.
  const ranges = minutes.map(({ project, start }) => ({
    timestamp: { $gte: start, $lt: start + grainMs.minute },
    project,
  }));
  let held = 0;
  const empty = () => {
    for (const one of sums.values()) {
      if (one.block.length > 0) one.sum.add(keyCells(one.block, dimensions));
      one.block = [];
    }
    held = 0;
  };
  const found = events
    .find(ranges.length === 1 ? ranges[0]! : { $or: ranges })
    .batchSize(eventBlock);
  for await (const document of found) {
    const { project, timestamp } = document;
    const of = sums.get(
      bucketId({ project, grain: "minute", start: startOf("minute", timestamp) }),
    )!;
    const isCounted = counts(of.minute, document.batch);
    if (!isCounted && inspect === undefined) continue;
    const event = fromDocument(document);
    inspect?.(event, isCounted);
    if (!isCounted) continue;
    of.block.push(event);
    if (++held === eventBlock) empty();
  }
  empty();
  return [...sums.values()].map(({ sum }) => sum.total());
}
