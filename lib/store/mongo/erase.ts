import type { Filter } from "mongodb";
import { grainMs, startOf, type Bucket } from "../../counting/bucket.ts";
import type { Cells } from "../../counting/cells.ts";
import { keyCells } from "../../counting/delta.ts";
import type { BatchId, EventId, ProjectId, StoredEvent } from "../../event/event.ts";
import type { EventQuery, Predicate } from "../../event/filter.ts";
import { searchChanges } from "../changed.ts";
import type { Erasable, ErasablePage, Recounted, Refusal } from "../erasing.ts";
import { scansEvents } from "../scanning.ts";
import {
  bucketId,
  deltaKey,
  eventKey,
  fromDocument,
  isTombstone,
  tombstone,
  type Collections,
  type EventDocument,
  type RowDocument,
  type Tombstone,
} from "./documents.ts";
import { emptyDelta } from "./empty-deltas.ts";
import { events as readEvents } from "./events.ts";
import { countAnew, foldAnew, type Counts } from "./fold-recounts.ts";
import { byHalves } from "./halves.ts";
import { erasableHeld, forgetNotes } from "./held.ts";
import { markDirty } from "./marks.ts";
import { withinOwnLimit } from "./own-limit.ts";
import { page } from "./pages.ts";
import { isLedByTime } from "./plans.ts";
import { lackingAmong } from "./retention.ts";
import { cellsSum } from "./sections.ts";
import { markBatches } from "./segments/announce.ts";
import { entomb } from "./tombstones.ts";
import { insertAbsent } from "./writes.ts";

/** The number of events in memory at a time while minutes are counted anew. */
const eventBlock = 1_000;

/**
 * The number of minutes that are counted anew at a time; the cells of all are in memory. It is
 * greater where the server looks at each event for them, however many they are.
 */
const minutesAtOnce = { led: 32, looking: 100 } as const;

/**
 * How long a server may look for a page of a user's events: it has to look at each event where it
 * has no index for it. Less than a connection waits for an answer.
 */
const ofUserTimeoutMs = 45_000;

export async function erasable(
  collections: Collections,
  query: EventQuery,
  timeoutMs: number,
): Promise<ErasablePage> {
  // Events in quarantine come first: an event that is released meanwhile is found among the stored
  // ones.
  const held = query.after === undefined ? await erasableHeld(collections, query) : [];
  if (held.length > 0) return { events: held };
  if (isOfUser(query)) return erasableOfUser(collections, query);
  const { events, next } = await page(collections, query, { maxBytes: Infinity, timeoutMs });
  const found = events.map(({ id, batch, timestamp }) => ({ id, batch, timestamp }));
  return { events: found, ...(next !== undefined && { next }) };
}

/** Whether the index of users leads to the events, of which nearly all are wanted. */
function isOfUser({ where = [], ...query }: EventQuery): boolean {
  const others = where.filter((one) => !isOnReceipt(one));
  return query.userId !== undefined && !scansEvents({ ...query, where: others });
}

function isOnReceipt(predicate: Predicate): boolean {
  return "path" in predicate && predicate.path.join() === "receivedAt";
}

/** A page of a user's events, found with one command. */
async function erasableOfUser(collections: Collections, query: EventQuery): Promise<ErasablePage> {
  const { limit } = query;
  const found = await withinOwnLimit(
    (limits) => readEvents(collections, { ...query, limit: limit + 1 }, limits),
    ofUserTimeoutMs,
  );
  const some = found.slice(0, limit).map(({ id, batch, timestamp }) => ({ id, batch, timestamp }));
  if (found.length <= limit) return { events: some };
  const { timestamp, id } = some.at(-1)!;
  return { events: some, next: { timestamp, id } };
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
  userId?: string,
): Promise<void> {
  await entomb(collections, project, gone, refusal, userId);
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
    collections.deltas,
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
  const { erasedAt, reusable } = existing as unknown as Tombstone;
  const renewed = tombstone({ ...refusal, at: Math.max(refusal.at, erasedAt) });
  if (renewed.erasedAt === erasedAt && renewed.reusable === reusable) return true;
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
  const isLed = distinct.length < fewMinutes || (await isLedByTime(collections));
  const atOnce = isLed ? minutesAtOnce.led : minutesAtOnce.looking;
  const rangesOf = isLed ? listed : halved;
  for (let at = 0; at < distinct.length; at += atOnce) {
    await foldAnew(
      collections,
      distinct.slice(at, at + atOnce),
      (some, counts) => countMinutes(collections, rangesOf(some), some, counts, dimensions),
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
    const range = listed([minute]);
    const [cells] = await countMinutes(collections, range, [minute], ofBatch, dimensions, inspect);
    return cells!;
  });
  return { ...sum, uncounted: [...uncounted], changed: changes.found };
}

/** Called with each event of some minutes, whether its batch counts or not. */
type Inspect = (event: StoredEvent, isCounted: boolean) => void;

/** So many minutes are found as soon one by one as by halves. */
const fewMinutes = 4;

/** The events of some minutes, for a server with an index that leads to each of the minutes. */
function listed(minutes: readonly Bucket[]): Filter<EventDocument> {
  const ranges = minutes.map(({ project, start }) => eventsOf(start, project));
  return ranges.length === 1 ? ranges[0]! : { $or: ranges };
}

/** The same for a server that looks at each event. */
function halved(minutes: readonly Bucket[]): Filter<EventDocument> {
  const byStart = [...Map.groupBy(minutes, ({ start }) => start)].sort(([a], [b]) => a - b);
  const placed = byStart.map(([from, some]) => ({
    from,
    filter: eventsOf(from, { $in: some.map(({ project }) => project) }),
  }));
  return byHalves("timestamp", placed);
}

/** A server that looks at each event ends a comparison at the first field that differs. */
function eventsOf(start: number, project: ProjectId | { readonly $in: ProjectId[] }) {
  return { timestamp: { $gte: start, $lt: start + grainMs.minute }, project };
}

/** Counts the events of minutes whose batches count, in the order of the minutes. */
async function countMinutes(
  { events }: Collections,
  filter: Filter<EventDocument>,
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
  let held = 0;
  const empty = () => {
    for (const one of sums.values()) {
      if (one.block.length > 0) one.sum.add(keyCells(one.block, dimensions));
      one.block = [];
    }
    held = 0;
  };
  const found = events.find(filter).project<RowDocument>({ properties: 0 }).batchSize(eventBlock);
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
