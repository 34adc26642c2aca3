import type { Sort } from "mongodb";
import { propertyAt } from "../../event/filter.ts";
import type { StoredEvent } from "../../event/event.ts";
import type { EntityKey, EntityQuery, SortKey } from "../entity-reads.ts";
import { inOneAnswer, isEvent, type Collections } from "./documents.ts";
import { columnOf, translate, type EventDocumentFilter } from "./conditions.ts";
import { eventKey, fromDocument } from "./documents.ts";
import { countAll, countMeeting, meeting } from "./events.ts";
import { wholeWithin, type ServerLimits } from "./server-limits.ts";
import { toColumn } from "../rows.ts";
import type { Predicate } from "../../event/filter.ts";
import type { PropertyPath } from "../../event/property-path.ts";

const batchSize = 1_000;

/** The stored events of some keys, in the order of the keys, each once. */
export async function findKeys(
  { events }: Collections,
  keys: readonly EntityKey[],
): Promise<readonly StoredEvent[]> {
  const ids = [...new Set(keys.map(({ project, id }) => eventKey(project, id)))];
  const found = await events.find({ _id: { $in: ids } }, inOneAnswer).toArray();
  const byId = new Map(found.map((document) => [document._id, document]));
  return ids.flatMap((id) => {
    const document = byId.get(id);
    return document === undefined || !isEvent(document) ? [] : [fromDocument(document)];
  });
}

/**
 * The entities that meet a query, of any project. Where MongoDB cannot sort, or would have to sort
 * more than is wanted, all are read and sorted here; memory holds at most twice as many as the
 * query wants.
 */
export async function findEntities(
  { events }: Collections,
  query: EntityQuery,
  limits: ServerLimits,
): Promise<readonly StoredEvent[]> {
  const { offset, limit } = query;
  const { filter, rest } = plan(query);
  const checkWhole = wholeWithin(limits);
  const cursor = events.find(filter, limits).batchSize(batchSize);
  const sort = nativeSort(query);
  if (sort === undefined || (query.sort.length > 0 && rest.length > 0)) {
    const first = new Smallest(offset + limit, comparing(query.sort));
    for await (const event of meeting(cursor, rest)) first.add(event);
    checkWhole();
    return first.sorted().slice(offset);
  }
  cursor.sort(sort);
  if (rest.length === 0) {
    const found = await cursor.skip(offset).limit(limit).toArray();
    if (found.length < limit) checkWhole();
    return found.map(fromDocument);
  }
  const page: StoredEvent[] = [];
  let passed = 0;
  for await (const event of meeting(cursor, rest)) {
    if (passed++ < offset) continue;
    page.push(event);
    if (page.length === limit) return page;
  }
  checkWhole();
  return page;
}

export async function countEntities(
  { events }: Collections,
  query: EntityQuery,
  limits: ServerLimits,
): Promise<number> {
  const { filter, rest } = plan(query);
  if (rest.length === 0) return countAll(events, filter, limits);
  return countMeeting(events, filter, rest, limits);
}

function plan({ where, unless = [], keys }: EntityQuery): {
  readonly filter: EventDocumentFilter;
  readonly rest: readonly Predicate[];
} {
  const { filters, rest, needProperties } = translate([
    ...where,
    ...unless.map((of) => ({ op: "not", of }) as const),
  ]);
  // The tombstones of erased events have no project.
  const all: EventDocumentFilter[] = [{ project: { $exists: true } }, ...filters];
  if (keys !== undefined) {
    all.push({ _id: { $in: keys.map(({ project, id }) => eventKey(project, id)) } });
  }
  return { filter: { $and: all }, rest: [...rest, ...needProperties] };
}

/**
 * The server's order; `undefined` where it cannot sort. Without an order one project's events come
 * in store order: an index has it, and its pages do not overlap.
 */
function nativeSort({ sort, where }: EntityQuery): Sort | undefined {
  if (sort.length === 0) {
    const isOfOneProject = where.some(({ path, op }) => path[0] === "project" && op === "is");
    return isOfOneProject ? { timestamp: 1, id: 1 } : {};
  }
  const columns = sort.map(
    ({ path, descending }) => [columnOf(path), descending ? -1 : 1] as const,
  );
  if (columns.some(([column]) => column === undefined)) return undefined;
  return new Map(columns.map(([column, direction]) => [column!, direction]));
}

/**
 * Missing and null first, then numbers (booleans as 0 and 1), then texts; objects and arrays by
 * their JSON.
 */
function comparing(keys: readonly SortKey[]): (a: StoredEvent, b: StoredEvent) => number {
  return (a, b) => {
    for (const { path, descending } of keys) {
      const order = compare(sortable(a, path), sortable(b, path));
      if (order !== 0) return descending ? -order : order;
    }
    return 0;
  };
}

function compare(a: string | number | undefined, b: string | number | undefined): number {
  if (a === b) return 0;
  if (a === undefined) return -1;
  if (b === undefined) return 1;
  if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
  return a < b ? -1 : 1;
}

function sortable(event: StoredEvent, path: PropertyPath): string | number | undefined {
  const value = propertyAt(event, path);
  if (typeof value === "string") return columnOf(path) === undefined ? value : toColumn(value);
  if (typeof value === "number") return value;
  if (typeof value === "boolean") return Number(value);
  return value === null || value === undefined ? undefined : JSON.stringify(value);
}

/**
 * The first of many in an order, of which it holds no more than twice as many. Of equal ones the
 * first to come stay.
 */
class Smallest<T> {
  readonly #count: number;
  readonly #compare: (a: T, b: T) => number;
  #held: T[] = [];

  constructor(count: number, compare: (a: T, b: T) => number) {
    this.#count = count;
    this.#compare = compare;
  }

  add(item: T): void {
    this.#held.push(item);
    if (this.#held.length >= 2 * this.#count) this.#held = this.sorted();
  }

  sorted(): T[] {
    return this.#held.toSorted(this.#compare).slice(0, this.#count);
  }
}
