import type { EventId, ProjectId, StoredEvent } from "../event/event.ts";
import { meets } from "../event/predicate.ts";
import type { Collections } from "./mongo-collections.ts";
import {
  translate,
  withoutProperties,
  type EventDocumentFilter,
  type Translation,
} from "./mongo-condition.ts";
import { eventKey, fromDocument, type EventDocument } from "./mongo-documents.ts";
import { toColumn } from "./sqlite-rows.ts";
import type { EventFilter, EventQuery, Predicate } from "./store.ts";

/** How many events are fetched at a time where most may not be wanted. */
const batchSize = 1_000;

export async function event(
  { events }: Collections,
  project: ProjectId,
  id: EventId,
): Promise<StoredEvent | undefined> {
  const found = await events.findOne({ _id: eventKey(project, id) });
  return found === null ? undefined : fromDocument(found);
}

/** A page of events in order. */
export async function events(
  collections: Collections,
  query: EventQuery,
): Promise<readonly StoredEvent[]> {
  const page: StoredEvent[] = [];
  for await (const found of eachEvent(collections, query)) page.push(found);
  return page;
}

/** How much longer the server may take for one command, and for whom. */
export interface ServerLimits {
  readonly maxTimeMS?: number;
  readonly signal?: AbortSignal;
}

/** The events of a page: the rest of the cursor's own instant, then what lies beyond it. */
export async function* eachEvent(
  collections: Collections,
  query: EventQuery,
  limits: ServerLimits = {},
): AsyncGenerator<StoredEvent, void> {
  const direction = query.order === "asc" ? 1 : -1;
  const { filters, rest, untold } = filtersOf(query);
  const unsure = [...rest, ...untold];
  let wanted = query.limit;
  for (const bounds of boundsOf(query)) {
    if (wanted <= 0) return;
    const cursor = collections.events
      .find({ $and: [...filters, ...bounds] }, limits)
      .sort({ timestamp: direction, id: direction });
    if (unsure.length === 0) cursor.limit(wanted);
    cursor.batchSize(rest.length === 0 ? Math.min(wanted, batchSize) : batchSize);
    for await (const found of meeting(cursor, unsure)) {
      yield found;
      wanted -= 1;
      if (wanted === 0) return;
    }
  }
}

export async function countEvents(
  { events }: Collections,
  filter: EventFilter,
  limits: ServerLimits = {},
): Promise<number> {
  const { match, rest, untold } = matchOf(filter);
  if (rest.length > 0) {
    return countMeeting(events.find(match, limits).batchSize(batchSize), [...rest, ...untold]);
  }
  if (untold.length === 0) return events.countDocuments(match, limits);
  const without = events.find({ $and: [match, withoutProperties] }, limits).batchSize(batchSize);
  const counts = await Promise.all([
    events.countDocuments({ $and: [match, { properties: { $exists: true } }] }, limits),
    countMeeting(without, untold),
  ]);
  return counts[0] + counts[1];
}

/** Those among stored events that meet all of some predicates. */
export async function* meeting(
  documents: AsyncIterable<EventDocument>,
  predicates: readonly Predicate[],
): AsyncGenerator<StoredEvent> {
  for await (const document of documents) {
    const found = fromDocument(document);
    if (predicates.every((predicate) => meets(found, predicate))) yield found;
  }
}

export async function countMeeting(
  documents: AsyncIterable<EventDocument>,
  predicates: readonly Predicate[],
): Promise<number> {
  let count = 0;
  for await (const _ of meeting(documents, predicates)) count += 1;
  return count;
}

/** A filter in MongoDB's terms, and what these leave to `meets`. */
export interface Match extends Omit<Translation, "filters"> {
  readonly match: EventDocumentFilter;
}

export function matchOf(filter: EventFilter): Match {
  const { filters, ...others } = filtersOf(filter);
  return { match: { $and: [...filters, ...timeBounds(filter)] }, ...others };
}

/** All but the time. */
export function filtersOf(filter: EventFilter): Translation {
  const { project, types, sources, correlationId, userId, where = [] } = filter;
  const given: EventDocumentFilter[] = [{ project }];
  if (types !== undefined) given.push({ type: { $in: types } });
  if (sources !== undefined) given.push({ source: { $in: sources.map(toColumn) } });
  if (correlationId !== undefined) given.push({ correlationId: toColumn(correlationId) });
  if (userId !== undefined) given.push({ userId: toColumn(userId) });
  const { filters, ...others } = translate(where);
  return { filters: [...given, ...filters], ...others };
}

/**
 * The stretches of time that a page lies in, in order. Two with a cursor: a server would read all of
 * its instant's events again to find where in the two fields together it stands.
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

export function timeBounds({ from, to }: Pick<EventFilter, "from" | "to">): EventDocumentFilter[] {
  const bounds: EventDocumentFilter[] = [];
  if (from !== undefined) bounds.push({ timestamp: { $gte: from } });
  if (to !== undefined) bounds.push({ timestamp: { $lt: to } });
  return bounds;
}
