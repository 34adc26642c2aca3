import { hash } from "node:crypto";
import type { EventFilter, EventQuery, Range } from "../../event/filter.ts";
import type { Database, Row } from "./database.ts";
import { clock, deadline, TimedOut } from "../deadline.ts";
import type { Position } from "../../event/event-page.ts";
import { scansAlongTime } from "../scanning.ts";
import { scansOf, type PlacedFilter, type Scan } from "./scan.ts";
import { stretchesOf } from "./stretches.ts";
import { days } from "./marks.ts";
import { eventColumns, type EventRow } from "../rows.ts";

type Key = readonly [seq: number, timestamp: number, id: string];

const eventBySeq = `SELECT ${eventColumns} FROM events WHERE seq = ?`;

export function event(db: Database, project: string, id: string): EventRow | undefined {
  return db.get(`SELECT ${eventColumns} FROM events WHERE project = ? AND id = ?`, project, id) as
    EventRow | undefined;
}

/** A page of events in order. */
export function events(db: Database, query: EventQuery): readonly EventRow[] {
  const scans = scansOf(db, query);
  const single = onlyOf(scans);
  if (single !== undefined) return page<EventRow>(db, eventColumns, single, query);
  return mergedKeys(db, scans, query).map(
    ([seq]) => db.get(eventBySeq, seq) as unknown as EventRow,
  );
}

/**
 * The events of a page, each read when the caller takes it. It may end up to one stretch after its
 * time is over.
 * @returns the position up to which all events were looked at; absent where these are all
 * @throws TimedOut where it cannot say how far it came
 */
export function* eachEvent(
  db: Database,
  query: EventQuery,
  timeoutMs: number,
): Generator<EventRow, Position | undefined> {
  const isOver = clock(timeoutMs);
  let { limit } = query;
  const whole: EventQuery & PlacedFilter = query;
  for (const stretch of scansAlongTime(query) ? stretchesOf(db, whole) : [whole]) {
    for (const row of eachOf(db, { ...stretch, limit }, isOver)) {
      yield row;
      limit -= 1;
    }
    if (limit === 0) return undefined;
    if (stretch.upTo !== undefined && isOver()) return stretch.upTo;
  }
  return undefined;
}

/** The one scan that finds all wanted events, in order. */
function onlyOf(scans: ReturnType<typeof scansOf>): Scan | undefined {
  return Array.isArray(scans) && scans.length === 1 ? (scans[0] as Scan) : undefined;
}

function* eachOf(
  db: Database,
  query: EventQuery & PlacedFilter,
  isOver: () => boolean,
): Generator<EventRow, void> {
  const scans = scansOf(db, query);
  const single = onlyOf(scans);
  if (single !== undefined) {
    const { sql, parameters } = paged(eventColumns, single, query);
    yield* db.iterate(sql, ...parameters) as Iterable<unknown> as Iterable<EventRow>;
    return;
  }
  for (const [seq] of mergedKeys(db, scans, query, isOver)) {
    yield db.get(eventBySeq, seq) as unknown as EventRow;
  }
}

/**
 * Merges the scans of a page. They are read in turn until the rest can only come after a full page.
 */
function mergedKeys(
  db: Database,
  scans: Iterable<Scan>,
  query: EventQuery,
  isOver: () => boolean = () => false,
): readonly Key[] {
  const ascending = query.order === "asc";
  const before = ([, a, m]: Key, [, b, n]: Key) =>
    (ascending ? a - b : b - a) || (m < n === ascending ? -1 : 1);
  let keys: readonly Key[] = [];
  for (const scan of scans) {
    const last = keys.length === query.limit ? keys.at(-1) : undefined;
    if (last !== undefined && (ascending ? last[1] < scan.oldest : last[1] > scan.newest)) break;
    db.check();
    if (!scansAlongTime(query) && isOver()) throw new TimedOut("it took longer than it may");
    const found = page<Key>(db, "seq, timestamp, id", scan, query);
    keys = keys.length === 0 ? found : [...keys, ...found].sort(before).slice(0, query.limit);
  }
  return keys;
}

/** @throws TimedOut */
export function countEvents(db: Database, filter: EventFilter, timeoutMs: number): number {
  const check = deadline(timeoutMs);
  const ascending = { ...filter, order: "asc" } as const;
  let count = 0;
  for (const stretch of scansAlongTime(filter) ? stretchesOf(db, ascending) : [filter]) {
    for (const { sql, parameters } of scansOf(db, stretch)) {
      db.check();
      check();
      count += db.get(`SELECT count(*) ${sql}`, ...parameters)![0] as number;
    }
  }
  return count;
}

/** A text that changes with every event that is stored in the days of a range. */
export function fingerprint(db: Database, project: string, range: Range): string {
  return hash("sha256", days(db, project, range).join(), "base64url");
}

function page<R extends Row>(
  db: Database,
  columns: string,
  scan: Scan,
  query: EventQuery,
): readonly R[] {
  const { sql, parameters } = paged(columns, scan, query);
  return db.all(sql, ...parameters) as readonly R[];
}

function paged(
  columns: string,
  { sql, parameters }: Scan,
  { order, limit }: EventQuery,
): Pick<Scan, "sql" | "parameters"> {
  return {
    sql: `SELECT ${columns} ${sql} ORDER BY timestamp ${order}, id ${order} LIMIT ?`,
    parameters: [...parameters, limit],
  };
}
