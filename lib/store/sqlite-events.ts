import { hash } from "node:crypto";
import type { EventFilter, EventQuery, Range } from "./store.ts";
import type { Database } from "./sqlite-database.ts";
import { scansOf, type Scan } from "./sqlite-scan.ts";
import { days } from "./sqlite-marks.ts";
import { eventColumns, type EventRow } from "./sqlite-rows.ts";

type Key = readonly [seq: number, timestamp: number, id: string];

const eventBySeq = `SELECT ${eventColumns} FROM events WHERE seq = ?`;

export function event(db: Database, project: string, id: string): EventRow | undefined {
  return db.get(`SELECT ${eventColumns} FROM events WHERE project = ? AND id = ?`, project, id) as
    EventRow | undefined;
}

/** A page of events in order. Scans are merged, and those left out that begin after the page is full. */
export function events(db: Database, query: EventQuery): readonly EventRow[] {
  const ascending = query.order === "asc";
  const before = ([, a, m]: Key, [, b, n]: Key) =>
    (ascending ? a - b : b - a) || (m < n === ascending ? -1 : 1);
  let page: Key[] = [];
  for (const scan of scansOf(db, query)) {
    const last = page.length === query.limit ? page.at(-1) : undefined;
    if (last !== undefined && (ascending ? last[1] < scan.oldest : last[1] > scan.newest)) break;
    const found = keys(db, scan, query.order, query.limit);
    page = page.length === 0 ? found : [...page, ...found].sort(before).slice(0, query.limit);
  }
  return page.map(([seq]) => db.get(eventBySeq, seq) as unknown as EventRow);
}

export function countEvents(db: Database, filter: EventFilter): number {
  return scansOf(db, filter).reduce(
    (sum, { sql, parameters }) =>
      sum + (db.get(`SELECT count(*) ${sql}`, ...parameters)![0] as number),
    0,
  );
}

/** A text that changes with every event that is stored in the days of a range. */
export function fingerprint(db: Database, project: string, range: Range): string {
  return hash("sha256", days(db, project, range).join(), "base64url");
}

function keys(db: Database, scan: Scan, order: EventQuery["order"], limit: number): Key[] {
  const sql = `SELECT seq, timestamp, id ${scan.sql} ORDER BY timestamp ${order}, id ${order} LIMIT ?`;
  return db.all(sql, ...scan.parameters, limit) as unknown as Key[];
}
