import { hash } from "node:crypto";
import type { EventFilter, EventQuery, Range } from "../../event/filter.ts";
import type { Database, Row } from "./database.ts";
import { clock, deadline, TimedOut } from "../time-limit.ts";
import type { Position, PageEnd, PageLimits } from "../../event/event-page.ts";
import { scansAlongTime } from "../scanning.ts";
import { scansOf, type PlacedFilter, type Scan } from "./scan.ts";
import { days } from "./marks.ts";
import { idText, isEarlier, keyForms, toldColumns } from "./narrow.ts";
import { type EventRow, bodyBytes, fromRow } from "../rows.ts";
import { Page } from "../page.ts";
import { sampleOf, type SampleJob, type SampleKind } from "../../questions/catalog/samples.ts";
import { sampleSize, type Sampled, type SampleFilter } from "../store.ts";

type Key = readonly [seq: number, timestamp: number, id: string];

const bySeq = (columns: string) => `SELECT ${columns} FROM events WHERE seq = ?`;

export function event(db: Database, project: string, id: string): EventRow | undefined {
  for (const key of keyForms(db, project, id)) {
    const found = db.get(`SELECT ${toldColumns} FROM events WHERE project = ? AND id = ?`, ...key);
    if (found !== undefined) return found as unknown as EventRow;
  }
  return undefined;
}

/** A page of events in order. */
export function events(db: Database, query: EventQuery): readonly EventRow[] {
  const scans = scansOf(db, query);
  const single = onlyOf(scans);
  if (single !== undefined) return read<EventRow>(db, toldColumns, single, query);
  const bySeqs = bySeq(toldColumns);
  return mergedKeys(db, scans, query).map(([seq]) => db.get(bySeqs, seq) as unknown as EventRow);
}

/**
 * Some columns of the events of a page, each event read when the caller takes it. It may end up to one stretch after its
 * time is over.
 * @returns the position up to which all events were looked at; absent where these are all
 * @throws TimedOut where it cannot say how far it came
 */
export function* eachRow<R>(
  db: Database,
  columns: string,
  query: EventQuery,
  timeoutMs: number,
): Generator<R, Position | undefined> {
  const isOver = clock(timeoutMs);
  let { limit } = query;
  const whole: EventQuery & PlacedFilter = query;
  for (const stretch of scansAlongTime(query) ? stretchesOf(db, whole) : [whole]) {
    for (const row of eachOf<R>(db, columns, { ...stretch, limit }, isOver)) {
      yield row;
      limit -= 1;
    }
    if (limit === 0) return undefined;
    if (stretch.upTo !== undefined && isOver()) return stretch.upTo;
  }
  return undefined;
}

/** Up to so many rows are read at once: in turn they would take half as long again. */
const atOnce = 128;

/** The one scan that finds all wanted events, in order. */
function onlyOf(scans: ReturnType<typeof scansOf>): Scan | undefined {
  return Array.isArray(scans) && scans.length === 1 ? (scans[0] as Scan) : undefined;
}

function* eachOf<R>(
  db: Database,
  columns: string,
  query: EventQuery & PlacedFilter,
  isOver: () => boolean,
): Generator<R, void> {
  const scans = scansOf(db, query);
  const single = onlyOf(scans);
  if (single !== undefined) {
    const { sql, parameters } = paged(columns, single, query);
    const rows =
      query.limit <= atOnce ? db.all(sql, ...parameters) : db.iterate(sql, ...parameters);
    yield* rows as Iterable<unknown> as Iterable<R>;
    return;
  }
  const bySeqs = bySeq(columns);
  for (const [seq] of mergedKeys(db, scans, query, isOver)) {
    yield db.get(bySeqs, seq) as unknown as R;
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
  const before = (a: Key, b: Key) =>
    isEarlier(positionOf(a), positionOf(b)) === ascending ? -1 : 1;
  let keys: readonly Key[] = [];
  for (const scan of scans) {
    const last = keys.length === query.limit ? keys.at(-1) : undefined;
    if (last !== undefined && (ascending ? last[1] < scan.oldest : last[1] > scan.newest)) break;
    db.check();
    if (!scansAlongTime(query) && isOver()) throw new TimedOut("it took longer than it may");
    const found = read<Key>(db, `seq, timestamp, ${idText("id")}`, scan, query);
    keys = keys.length === 0 ? found : [...keys, ...found].sort(before).slice(0, query.limit);
  }
  return keys;
}

function positionOf([, timestamp, id]: Key): Position {
  return { timestamp, id };
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

function read<R extends Row>(
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
  { sql, parameters, order: by }: Scan,
  { order, limit }: Pick<EventQuery, "order" | "limit">,
): Pick<Scan, "sql" | "parameters"> {
  const sorted = by.columns.map((column) => `${column} ${order}`).join(", ");
  return {
    sql: `SELECT ${columns} ${sql} ORDER BY ${sorted} LIMIT ?`,
    parameters: [...parameters, limit],
  };
}

/** How long a stretch should take: a call that stops the scan waits about this long. */
const aimMs = 25;
const firstSize = 2_000;
const largestSize = 65_536;

/**
 * Splits a scan along the time into stretches of so many events that each takes some 25 ms, whether
 * they meet the filter or not. The caller takes the next stretch when it has worked through the
 * last one.
 * @returns each stretch; `upTo` is where it ends, absent from the last one. A stretch may hold no
 *   event of the filter
 */
function* stretchesOf<A extends PlacedFilter & { readonly order: "asc" | "desc" }>(
  db: Database,
  filter: A,
): Generator<A, void> {
  let size = firstSize;
  let { after } = filter;
  for (;;) {
    db.check();
    const stretch = { ...filter, after };
    const upTo = endOf(db, stretch, size);
    const startedAt = performance.now();
    yield { ...stretch, upTo };
    if (upTo === undefined) return;
    const tookMs = performance.now() - startedAt;
    if (tookMs < aimMs / 2) size = Math.min(size * 2, largestSize);
    else if (tookMs > aimMs) size = Math.max(Math.ceil(size / 2), 100);
    after = upTo;
  }
}

/**
 * The event so many after the beginning, of one type at most; the earliest of them in the order of
 * the query.
 */
function endOf(
  db: Database,
  { project, types, from, to, order, after }: PlacedFilter & { readonly order: "asc" | "desc" },
  size: number,
): Position | undefined {
  const along = { project, types, from, to, order, after };
  let end: Position | undefined;
  for (const scan of scansOf(db, along)) {
    const { sql, parameters } = paged(`timestamp, ${idText("id")}`, scan, { order, limit: 1 });
    const found = db.get(`${sql} OFFSET ?`, ...parameters, size);
    if (found === undefined) continue;
    const [timestamp, id] = found as readonly [number, string];
    if (end === undefined || comesBefore({ timestamp, id }, end, order)) end = { timestamp, id };
  }
  return end;
}

function comesBefore(a: Position, b: Position, order: "asc" | "desc"): boolean {
  return isEarlier(a, b) === (order === "asc");
}

export type Limits = Omit<PageLimits, "signal">;

/** A page of events as they cross between threads. */
export interface RowPage extends PageEnd {
  readonly rows: readonly EventRow[];
}

/** There should be one event more than a page has, as `Page` says. */
export function oneMore(query: EventQuery): EventQuery {
  return { ...query, limit: query.limit + 1 };
}

export function page(db: Database, query: EventQuery, limits: Limits): RowPage {
  const rows: EventRow[] = [];
  const found = eachRow<EventRow>(db, toldColumns, oneMore(query), limits.timeoutMs);
  const end = new Page(query, limits).fill(found, (row) => {
    rows.push(row);
    const [, id, , timestamp] = row;
    return { sizeBytes: bodyBytes(row), position: { timestamp, id } };
  });
  return { rows, ...end };
}

/** Samples the newest events that meet a filter. */
export function sample<K extends SampleKind>(
  db: Database,
  filter: SampleFilter,
  job: SampleJob<K>,
  timeoutMs: number,
): Sampled<K> {
  const query = { ...filter, order: "desc", limit: sampleSize.events } as const;
  const { rows, next } = page(db, query, { maxBytes: sampleSize.maxBytes, timeoutMs });
  const found = sampleOf(job);
  for (const row of rows) found.add(fromRow(row));
  return { result: found.finish(), events: rows.length, isWhole: next === undefined };
}
