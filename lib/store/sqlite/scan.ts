import type { EventFilter, EventQuery } from "../../event/filter.ts";
import { anyOf, never, predicateClause, type Clause } from "./conditions.ts";
import type { Database, Value } from "./database.ts";
import { anyOrder, formsOf, inProject, type Form, type Order } from "./narrow.ts";
import { toColumn } from "../rows.ts";
import { placesOf, spanOf, type Owner } from "./places.ts";
import type { Position } from "../../event/event-page.ts";
import { scansEvents } from "../scanning.ts";

/**
 * A walk along one index in the order of events, or a look-up of some events by their numbers. Some
 * filters take several scans: one for each type, or one for each few chunks of a user's or a
 * correlation's events. No event is in two of them.
 */
export interface Scan {
  /** The SQL from FROM to the end of WHERE. */
  readonly sql: string;
  readonly parameters: readonly Value[];
  /** All its events lie between these instants, both included. */
  readonly oldest: number;
  readonly newest: number;
  readonly order: Order;
}

/** A chunk, with the first and the last instant of a project's events in it. */
export type Chunk = readonly [chunk: number, oldest: number, newest: number];

/**
 * The most chunks of one statement. There are fewer where it also reads the events, so that it does
 * not take long.
 */
const maxGroup = 64;
const maxFilteredGroup = 8;

/** The most events that one statement looks up, about: a chunk's are the least. */
const maxPlaces = 1_000;

/** A filter, or a page of it, optionally only up to a position, which is included. */
export type PlacedFilter = EventFilter &
  Partial<Pick<EventQuery, "order" | "after">> & { readonly upTo?: Position };

/**
 * The scans that find the wanted events; those that can begin first, in the order of the query,
 * come first.
 */
export function scansOf(
  db: Database,
  filter: PlacedFilter,
): readonly Scan[] | Generator<Scan, void> {
  const { types, correlationId, userId } = filter;
  if (correlationId !== undefined) {
    const text = toColumn(correlationId);
    const others = [...typeClauses(types), ...userClauses(userId)];
    return chunkScans(db, filter, "correlation", text, [equal("correlation_id", text), ...others]);
  }
  if (userId !== undefined) {
    const clauses = [...userClauses(userId), ...typeClauses(types)];
    return chunkScans(db, filter, "user", toColumn(userId), clauses);
  }
  return formsOf(db, filter.project).flatMap((form) => {
    if (types === undefined) return scanner(filter, form, "events_by_time", [])();
    const scanType = scanner(filter, form, "events_by_type", [{ sql: "type = ?", parameters: [] }]);
    return [...new Set(types)].flatMap((type) => scanType(type));
  });
}

/**
 * The owner's events, some chunks at a time: one, one, two, four and so on, so that an actor with
 * many events fills a page from the first ones, and one with few takes a handful of statements.
 */
function* chunkScans(
  db: Database,
  filter: PlacedFilter,
  owner: Owner,
  text: string,
  clauses: readonly Clause[],
): Generator<Scan, void> {
  const where = [...clauses, ...clausesOf(filter, inProject(db, filter.project), anyOrder)];
  if (where.includes(never)) return;
  const most = scansEvents(filter) ? maxFilteredGroup : maxGroup;
  let group: Chunk[] = [];
  let places: number[] = [];
  let before = 0;
  const chunks = chunksOf(db, filter);
  for (const [at, chunk] of chunks.entries()) {
    db.check();
    group.push(chunk);
    places.push(...placesOf(db, filter.project, chunk[0], owner, text));
    const isFull = group.length >= Math.min(Math.max(before, 1), most) || places.length > maxPlaces;
    if (!isFull && at < chunks.length - 1) continue;
    if (places.length > 0) yield placesScan(places, where, group);
    before += group.length;
    group = [];
    places = [];
  }
}

function placesScan(
  places: readonly number[],
  where: readonly Clause[],
  group: readonly Chunk[],
): Scan {
  const seqs = clauseOfPlaces("seq", places);
  return {
    ...joined("events NOT INDEXED", [seqs, ...where]),
    oldest: Math.min(...group.map(([, instant]) => instant)),
    newest: Math.max(...group.map(([, , instant]) => instant)),
    order: anyOrder,
  };
}

/** Whether an event is at one of some places. */
export function clauseOfPlaces(seq: string, places: readonly number[]): Clause {
  const parameters = [JSON.stringify(places)];
  return { sql: `${seq} IN (SELECT value FROM json_each(?))`, parameters };
}

/** The chunks that may hold wanted events; those that can begin first come first. */
export function chunksOf(db: Database, filter: PlacedFilter): readonly Chunk[] {
  const { project, from = -Infinity, to = Infinity, order, after } = filter;
  return db.all(
    `SELECT chunk, oldest, newest FROM chunks
      WHERE project = ? AND newest >= ? AND oldest < ? AND newest >= ? AND oldest <= ?
      ORDER BY ${order === "asc" ? "oldest" : "newest DESC"}`,
    project,
    from,
    to,
    order === "asc" && after ? after.timestamp : -Infinity,
    order === "desc" && after ? after.timestamp : Infinity,
  ) as readonly unknown[] as readonly Chunk[];
}

/**
 * A walk over one chunk as it lies in the file, in no order of events; `undefined` where no event
 * can match.
 */
export function chunkScan(
  db: Database,
  filter: EventFilter,
  chunk: number,
): Pick<Scan, "sql" | "parameters"> | undefined {
  const seqs = { sql: "seq BETWEEN ? AND ?", parameters: spanOf(chunk) };
  const others = clausesOf(filter, inProject(db, filter.project), anyOrder);
  const where = [seqs, ...typeClauses(filter.types), ...others];
  return where.includes(never) ? undefined : joined("events NOT INDEXED", where);
}

/**
 * Makes the scans of one shape, which differ in the parameter of the first clause. There is none
 * where a clause can never hold.
 */
function scanner(
  filter: PlacedFilter,
  { project, order }: Form,
  index: string,
  clauses: readonly Clause[],
): (...first: readonly Value[]) => readonly Scan[] {
  const ofProject = { sql: "project = ?", parameters: [project] };
  const where = [...clauses, ...clausesOf(filter, ofProject, order)];
  if (where.includes(never)) return () => [];
  const { sql, parameters } = joined(`events INDEXED BY ${index}`, where);
  return (...first) => [
    { sql, parameters: [...first, ...parameters], oldest: -Infinity, newest: Infinity, order },
  ];
}

/** All conditions of the filter but types, correlations and users. */
function clausesOf(filter: PlacedFilter, ofProject: Clause, by: Order): readonly Clause[] {
  const where: Clause[] = [ofProject, ...boundClauses(filter, by)];
  if (filter.sources !== undefined) where.push(anyOf("source", [], filter.sources.map(toColumn)));
  return [...where, ...(filter.where ?? []).map(predicateClause)];
}

function joined(table: string, where: readonly Clause[]): Pick<Scan, "sql" | "parameters"> {
  return {
    sql: `FROM ${table} WHERE ${where.map((clause) => clause.sql).join(" AND ")}`,
    parameters: where.flatMap((clause) => clause.parameters),
  };
}

/**
 * One bound at each end: with two SQLite would seek by one and step over what the other excludes.
 */
function boundClauses(
  { from = -Infinity, to = Infinity, order, after, upTo }: PlacedFilter,
  by: Order,
): Clause[] {
  const past = (sign: "<" | ">" | "<=" | ">=", position: Position) =>
    pastClause(by, sign, position);
  const bounds: Clause[] = [];
  if (order === "asc" && after && after.timestamp >= from) bounds.push(past(">", after));
  else if (order === "desc" && upTo) bounds.push(past(">=", upTo));
  else if (from > -Infinity) bounds.push({ sql: "timestamp >= ?", parameters: [from] });
  if (order === "desc" && after && after.timestamp < to) bounds.push(past("<", after));
  else if (order === "asc" && upTo) bounds.push(past("<=", upTo));
  else if (to < Infinity) bounds.push({ sql: "timestamp < ?", parameters: [to] });
  return bounds;
}

/** The events on one side of a position. */
function pastClause(
  { columns, place, isIndexed }: Order,
  sign: "<" | ">" | "<=" | ">=",
  position: Position,
): Clause {
  const row = `(${columns.join(", ")}) ${sign} (${columns.map(() => "?").join(", ")})`;
  const parameters = place(position);
  if (isIndexed) return { sql: row, parameters };
  const sought = `timestamp ${sign.startsWith("<") ? "<=" : ">="} ?`;
  return { sql: `${sought} AND ${row}`, parameters: [position.timestamp, ...parameters] };
}

function typeClauses(types: PlacedFilter["types"]): Clause[] {
  return types === undefined ? [] : [anyOf("type", [], types)];
}

function userClauses(userId: PlacedFilter["userId"]): Clause[] {
  return userId === undefined ? [] : [equal("user_id", toColumn(userId))];
}

function equal(column: string, text: string): Clause {
  return { sql: `${column} = ?`, parameters: [text] };
}
