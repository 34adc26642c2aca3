import type { BatchId, EventId, ProjectId, StoredEvent } from "../../event/event.ts";
import { meets } from "../../event/filter.ts";
import type { HeldEvent } from "../../event/schemas/held.ts";
import type { Erasable } from "../erasing.ts";
import {
  heldAmong,
  inOneAnswer,
  isEvent,
  isHeld,
  isTombstone,
  type Collections,
  type HeldDocument,
  type Tombstone,
} from "./documents.ts";
import { forgetNotes, noteHeld } from "./held.ts";
import {
  translate,
  withoutProperties,
  withProperties,
  type EventDocumentFilter,
  type Translation,
} from "./conditions.ts";
import { eventKey, fromDocument, type EventDocument } from "./documents.ts";
import { toColumn } from "../rows.ts";
import type { Ownership } from "../store.ts";
import type { Predicate } from "../../event/filter.ts";
import type { EventFilter, EventQuery } from "../../event/filter.ts";
import { ServiceError } from "../../errors.ts";
import { uncounted } from "./empty-deltas.ts";
import { wholeWithin, type ServerLimits } from "./server-limits.ts";
import { insertAbsent, writeAll } from "./writes.ts";

/** The number of events that are fetched at a time where most may be unwanted. */
const batchSize = 1_000;

export async function event(
  { events }: Collections,
  project: ProjectId,
  id: EventId,
): Promise<StoredEvent | undefined> {
  const found = await events.findOne({ _id: eventKey(project, id) });
  return found === null || !isEvent(found) ? undefined : fromDocument(found);
}

/**
 * The event of an id, stored or in quarantine. One read tells both, so an event that leaves the
 * quarantine meanwhile is found.
 */
export async function holder(
  { events }: Collections,
  project: ProjectId,
  id: EventId,
): Promise<(Erasable & Pick<StoredEvent, "receivedAt">) | undefined> {
  const found = await events.findOne({ _id: eventKey(project, id) });
  if (found === null || isTombstone(found)) return undefined;
  if (!isHeld(found)) {
    const { batch, timestamp, receivedAt } = found;
    return { id, batch, timestamp, receivedAt };
  }
  const { heldBy: batch, receivedAt, held } = found;
  const { timestamp } = (JSON.parse(held) as HeldEvent).event;
  return { id, batch, timestamp, receivedAt };
}

/** A page of events in order. */
export function events(
  collections: Collections,
  query: EventQuery,
  limits: ServerLimits = {},
): Promise<readonly StoredEvent[]> {
  return collected(eachEvent(collections, query, limits));
}

/** The events of a page, in order. */
export async function* eachEvent(
  collections: Collections,
  query: EventQuery,
  limits: ServerLimits = {},
): AsyncGenerator<StoredEvent, void> {
  const { filters, rest, needProperties } = filtersOf(query);
  if (rest.length > 0 || needProperties.length === 0) {
    yield* along(collections, query, filters, [...rest, ...needProperties], limits);
    return;
  }
  // Of events with properties the server finds as many as are wanted; the few others of the same
  // stretch are checked here.
  let after = query.after;
  for (let left = query.limit; left > 0; left -= batchSize) {
    const part = { ...query, after, limit: Math.min(left, batchSize) };
    const withFields = await collected(
      along(collections, part, [...filters, withProperties], [], limits),
    );
    const stretch = upTo(part, withFields[part.limit - 1]);
    const others = await collected(
      along(collections, stretch, [...filters, withoutProperties], needProperties, limits),
    );
    const page = merged(withFields, others, query.order).slice(0, part.limit);
    yield* page;
    if (page.length < part.limit) return;
    after = page.at(-1);
  }
}

/**
 * The events that meet filters and predicates: first the rest of the cursor's own instant, then
 * what lies beyond it.
 */
async function* along(
  { events }: Collections,
  query: EventQuery,
  filters: readonly EventDocumentFilter[],
  predicates: readonly Predicate[],
  limits: ServerLimits,
): AsyncGenerator<StoredEvent, void> {
  const direction = query.order === "asc" ? 1 : -1;
  let wanted = query.limit;
  for (const bounds of boundsOf(query)) {
    if (wanted <= 0) return;
    const checkWhole = wholeWithin(limits);
    const cursor = events
      .find({ $and: [...filters, ...bounds] }, limits)
      .sort({ timestamp: direction, id: direction });
    if (predicates.length === 0) cursor.limit(wanted);
    cursor.batchSize(predicates.length === 0 ? Math.min(wanted, batchSize) : batchSize);
    for await (const found of meeting(cursor, predicates)) {
      yield found;
      wanted -= 1;
      if (wanted === 0) return;
    }
    checkWhole();
  }
}

async function collected<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** The part of a query that ends with an event, where one is given. */
function upTo(query: EventQuery, last: StoredEvent | undefined): EventQuery {
  if (last === undefined) return query;
  const { timestamp } = last;
  return query.order === "asc" ? { ...query, to: timestamp + 1 } : { ...query, from: timestamp };
}

/** Merges two lists of events in one order. */
function merged(
  some: readonly StoredEvent[],
  others: readonly StoredEvent[],
  order: EventQuery["order"],
): readonly StoredEvent[] {
  if (others.length === 0) return some;
  const direction = order === "asc" ? 1 : -1;
  return [...some, ...others].sort(
    (a, b) => direction * (a.timestamp - b.timestamp || (a.id < b.id ? -1 : 1)),
  );
}

export async function countEvents(
  { events }: Collections,
  filter: EventFilter,
  limits: ServerLimits = {},
): Promise<number> {
  const { match, rest, needProperties } = matchOf(filter);
  if (rest.length > 0) return countMeeting(events, match, [...rest, ...needProperties], limits);
  if (needProperties.length === 0) return countAll(events, match, limits);
  const counts = await Promise.all([
    countAll(events, { $and: [match, withProperties] }, limits),
    countMeeting(events, { $and: [match, withoutProperties] }, needProperties, limits),
  ]);
  return counts[0] + counts[1];
}

/** The stored events that meet all predicates. */
export async function* meeting(
  documents: AsyncIterable<EventDocument>,
  predicates: readonly Predicate[],
): AsyncGenerator<StoredEvent> {
  for await (const document of documents) {
    const found = fromDocument(document);
    if (predicates.every((predicate) => meets(found, predicate))) yield found;
  }
}

/** The number of stored events that meet a filter; counted by the server. */
export async function countAll(
  events: Collections["events"],
  filter: EventDocumentFilter,
  limits: ServerLimits,
): Promise<number> {
  const checkWhole = wholeWithin(limits);
  const count = await events.countDocuments(filter, limits);
  checkWhole();
  return count;
}

/** The number of stored events that meet a filter and all predicates; read one by one. */
export async function countMeeting(
  events: Collections["events"],
  filter: EventDocumentFilter,
  predicates: readonly Predicate[],
  limits: ServerLimits,
): Promise<number> {
  const checkWhole = wholeWithin(limits);
  const found = events.find(filter, limits).batchSize(batchSize);
  let count = 0;
  for await (const _ of meeting(found, predicates)) count += 1;
  checkWhole();
  return count;
}

/** A filter as MongoDB's filters, and the predicates that `meets` still has to check. */
export interface Match extends Omit<Translation, "filters"> {
  readonly match: EventDocumentFilter;
}

export function matchOf(filter: EventFilter): Match {
  const { filters, ...others } = filtersOf(filter);
  return { match: { $and: [...filters, ...timeBounds(filter)] }, ...others };
}

/** The filter's conditions except those on the time. */
export function filtersOf(filter: EventFilter): Translation {
  const { project, types, sources, correlationId, userId, where = [] } = filter;
  const given: EventDocumentFilter[] = [{ project }];
  if (types !== undefined) given.push({ type: { $in: types } });
  if (sources !== undefined) given.push({ source: { $in: sources.map(toColumn) } });
  if (correlationId !== undefined) given.push({ correlationId: toColumn(correlationId) });
  if (userId !== undefined) given.push({ userId: toColumn(userId) });
  for (const one of where) {
    if (one.op !== "is" || one.path.join() !== "id") continue;
    // Only this index leads to ids.
    const ids = one.values.filter((value) => typeof value === "string");
    given.push({ _id: { $in: ids.map((id) => eventKey(project, id)) } });
  }
  const { filters, ...others } = translate(where);
  return { filters: [...given, ...filters], ...others };
}

/**
 * The stretches of time of a page, in order. With a cursor there are two: otherwise a server would
 * read all events of its instant again to find its place among the two fields.
 */
export function boundsOf(query: EventQuery): readonly (readonly EventDocumentFilter[])[] {
  const { order, after, from = -Infinity, to = Infinity } = query;
  const within = timeBounds(query);
  if (after === undefined) return [within];
  const { timestamp, id } = after;
  const past = order === "asc" ? "$gt" : "$lt";
  const beyond = [...within, { timestamp: { [past]: timestamp } }];
  if (timestamp < from || timestamp >= to) return [beyond];
  return [[{ timestamp, id: { [past]: id } }], beyond];
}

function timeBounds({ from, to }: Pick<EventFilter, "from" | "to">): EventDocumentFilter[] {
  const bounds: EventDocumentFilter[] = [];
  if (from !== undefined) bounds.push({ timestamp: { $gte: from } });
  if (to !== undefined) bounds.push({ timestamp: { $lt: to } });
  return bounds;
}

/**
 * Inserts the events that are absent, puts those that break their schema into quarantine, and
 * returns the owner of each; an erased event has none.
 */
export async function append(
  collections: Collections,
  batch: BatchId,
  documents: readonly EventDocument[],
  broken: readonly HeldDocument[] = [],
): Promise<Ownership> {
  const own = [...documents, ...(broken as readonly object[] as readonly EventDocument[])];
  const existing = new Set(await insertAbsent(collections.events, own));
  const found = await lookAt(
    collections,
    batch,
    own.filter((_, at) => existing.has(at)),
  );
  const held = new Map<string, HeldDocument | undefined>();
  own.forEach((document, at) => {
    if (!existing.has(at) && isHeld(document)) held.set(document._id, document);
  });
  for (const one of found) if (one.heldBy === batch) held.set(one._id, undefined);
  await noteAll(collections, held);
  const strangers = new Map(
    found.filter((one) => one.batch !== batch).map(({ _id, hash }) => [_id, hash]),
  );
  const idOf = ({ _id }: { readonly _id: string }) => _id.slice(_id.indexOf(":") + 1);
  return {
    owned: new Set(own.filter(({ _id }) => !strangers.has(_id) && !held.has(_id)).map(idOf)),
    foreign: own.flatMap((one) => {
      const hash = held.has(one._id) ? undefined : strangers.get(one._id);
      return hash === undefined ? [] : [{ id: idOf(one), hash }];
    }),
    held: new Set([...held.keys()].map((_id) => idOf({ _id }))),
  };
}

/** This runs on redelivery too: another delivery may have stopped right before it. */
async function noteAll(
  collections: Collections,
  held: ReadonlyMap<string, HeldDocument | undefined>,
): Promise<void> {
  if (held.size === 0) return;
  const unread = [...held].filter(([, document]) => document === undefined).map(([_id]) => _id);
  const read =
    unread.length === 0
      ? []
      : await collections.events.find({ _id: { $in: unread } }, inOneAnswer).toArray();
  await noteHeld(collections, [
    ...[...held.values()].filter((document) => document !== undefined),
    ...heldAmong(read),
  ]);
}

type Owned = Pick<EventDocument, "_id" | "batch" | "hash"> &
  Partial<Pick<Tombstone, "reusable">> &
  Partial<Pick<HeldDocument, "heldBy" | "replay">>;

/**
 * The owners of events that were already stored, after those of this batch have taken the places
 * that are free for them.
 */
async function lookAt(
  collections: Collections,
  batch: BatchId,
  existing: readonly EventDocument[],
): Promise<readonly Owned[]> {
  const { events } = collections;
  if (existing.length === 0) return [];
  const look = () =>
    events
      .find({ _id: { $in: existing.map(({ _id }) => _id) } }, inOneAnswer)
      .project<Owned>({ batch: 1, hash: 1, reusable: 1, heldBy: 1, replay: 1 })
      .toArray();
  let stored = await look();
  const reusable = new Set(stored.filter((one) => one.reusable === true).map(({ _id }) => _id));
  const released = stored.filter(({ replay }) => replay === batch);
  if (reusable.size + released.length > 0) {
    await takeReusable(
      collections,
      batch,
      existing.filter(({ _id }) => reusable.has(_id)),
    );
    await placeReleased(collections, batch, released, existing);
    stored = await look();
  }
  // Documents are not removed; a server that has lost one it just had must not decide.
  if (stored.length < existing.length) throw new ServiceError("STORE_UNAVAILABLE");
  return stored;
}

/** Puts events that this batch releases from quarantine into their own places. */
async function placeReleased(
  collections: Collections,
  batch: BatchId,
  released: readonly Owned[],
  documents: readonly EventDocument[],
): Promise<void> {
  const byKey = new Map(documents.filter(isEvent).map((document) => [document._id, document]));
  await writeAll(
    collections.events,
    released.flatMap(({ _id }) => {
      const document = byKey.get(_id);
      if (document === undefined) return [];
      const { _id: _, ...replacement } = document;
      const filter = { _id, replay: batch } as object;
      return [{ _id, operation: { replaceOne: { filter, replacement } } }];
    }),
  );
  await forgetNotes(
    collections,
    released.map(({ _id, heldBy }) => ({ event: _id, batch: heldBy! })),
  );
}

/**
 * Puts events that were accepted later into the place of tombstones whose ids may be used again. An
 * event in a minute that the batch has counted already was another's when it was counted, and stays
 * out: its delta lacks the event.
 */
async function takeReusable(
  collections: Collections,
  batch: BatchId,
  documents: readonly EventDocument[],
): Promise<void> {
  const { apart = [], counted = [] } = Object.groupBy(documents, (document) =>
    isHeld(document) ? "apart" : "counted",
  );
  const open = counted.length === 0 ? [] : await uncounted(collections, batch, counted);
  await writeAll(
    collections.events,
    [...open, ...apart].map(({ _id, ...replacement }) => {
      const filter = { _id, reusable: true, erasedAt: { $lt: replacement.receivedAt } } as object;
      return { _id, operation: { replaceOne: { filter, replacement } } };
    }),
  );
}
