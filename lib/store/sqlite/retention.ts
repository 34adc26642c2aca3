import { higher, inflowFloor, type Floors } from "../../counting/floors.ts";
import { grainMs, startOf, type Grain } from "../../counting/bucket.ts";
import type { Database } from "./database.ts";
import { keepPlace } from "./erase.ts";
import { nextDay, touchDay } from "./marks.ts";
import { forgetColumns, spanOf } from "./places.ts";
import { removeSection } from "./rollups.ts";
import { chunkSize } from "./schema.ts";

export function below(
  db: Database,
  project: string,
  floors: Floors,
): { readonly lost: Floors; readonly from: number | null } {
  const newest = (floor: number | null, sql: string, ...of: readonly string[]) => {
    if (floor === null) return null;
    const [at] = db.get(sql, project, ...of, floor) ?? [null];
    return at === null ? null : startOf("day", at as number) + grainMs.day;
  };
  const bare = "SELECT max(minute) FROM deltas WHERE project = ? AND minute < ?";
  const rollup = "SELECT max(start) FROM rollups WHERE project = ? AND grain = ? AND start < ?";
  const ofType =
    "SELECT max(timestamp) FROM events WHERE project = ? AND type = ? AND timestamp < ?";
  const others = Object.keys(floors.types)
    .map(() => "?")
    .join();
  const names = Object.keys(floors.types);
  const lost: Floors = {
    events: newest(
      floors.events,
      `SELECT max(timestamp) FROM events WHERE project = ? AND type NOT IN (${others}) AND timestamp < ?`,
      ...names,
    ),
    minutes: higher(newest(floors.minutes, rollup, "minute"), newest(floors.minutes, bare)),
    hours: newest(floors.hours, rollup, "hour"),
    days: newest(floors.days, rollup, "day"),
    types: Object.fromEntries(
      names.map((type) => [type, newest(floors.types[type]!, ofType, type)]),
    ),
  };
  const first = nextDay(db, [project, "day", -Infinity]);
  return { lost, from: first?.[0] === project ? first[2] : null };
}

export function drop(db: Database, project: string, floors: Floors, limit: number): number {
  db.all("PRAGMA secure_delete = ON");
  let left = limit;
  const names = Object.keys(floors.types);
  if (floors.events !== null) {
    left -= dropEvents(
      db,
      project,
      `type NOT IN (${names.map(() => "?").join()})`,
      names,
      floors.events,
      left,
    );
  }
  for (const type of names) {
    const floor = floors.types[type]!;
    if (floor !== null && left > 0)
      left -= dropEvents(db, project, "type = ?", [type], floor, left);
  }
  const inflow = inflowFloor(floors);
  if (inflow !== null && left > 0) {
    left -= dropCounted(db, project, inflow, floors.minutes ?? -Infinity, left);
  }
  for (const [grain, floor] of [
    ["minute", floors.minutes],
    ["hour", floors.hours],
    ["day", floors.days],
  ] as const) {
    if (floor !== null && left > 0) left -= dropRollups(db, project, grain, floor, left);
  }
  db.all("PRAGMA secure_delete = OFF");
  return limit - left;
}

function dropEvents(
  db: Database,
  project: string,
  condition: string,
  of: readonly string[],
  floor: number,
  limit: number,
): number {
  const [last] = db.get("SELECT max(seq) FROM events")!;
  const chunks = new Set<number>();
  const days = new Set<number>();
  let removed = 0;
  for (const table of ["events", "broken"]) {
    const rows = db.all(
      `DELETE FROM ${table} WHERE seq IN (SELECT seq FROM ${table}
        WHERE project = ? AND ${condition} AND timestamp < ? ORDER BY timestamp LIMIT ?)
        RETURNING seq, timestamp`,
      project,
      ...of,
      floor,
      limit - removed,
    );
    removed += rows.length;
    for (const [seq, timestamp] of rows as readonly (readonly [number, number])[]) {
      chunks.add(Math.floor(seq / chunkSize));
      days.add(startOf("day", timestamp));
    }
  }
  const held = db.all(
    `DELETE FROM quarantine WHERE rowid IN (SELECT rowid FROM quarantine
      WHERE project = ? AND ${condition} AND timestamp < ? LIMIT ?) RETURNING 1`,
    project,
    ...of,
    floor,
    limit - removed,
  );
  removed += held.length;
  keepPlace(db, last as number | null);
  for (const chunk of chunks) leaveChunk(db, project, chunk);
  for (const day of days) touchDay(db, project, day);
  return removed;
}

/**
 * Removes the columns of a chunk, so that they are written anew, and the chunk's row if the project
 * has no events left in it.
 */
function leaveChunk(db: Database, project: string, chunk: number): void {
  forgetColumns(db, chunk);
  const existing = db.get(
    "SELECT 1 FROM events WHERE seq BETWEEN ? AND ? AND project = ? LIMIT 1",
    ...spanOf(chunk),
    project,
  );
  if (existing === undefined) {
    db.run("DELETE FROM chunks WHERE project = ? AND chunk = ?", project, chunk);
  }
}

/**
 * Drops the deltas, and the counters of recounts, of minutes before a floor. A minute without a
 * rollup is summed from its deltas, so its deltas are dropped only before the floor of minutes.
 * @returns how many rows were dropped, at most `limit`
 */
function dropCounted(
  db: Database,
  project: string,
  floor: number,
  minutesFloor: number,
  limit: number,
): number {
  const isDone = (table: string) =>
    `project = ? AND minute < ? AND (minute < ? OR EXISTS (SELECT 1 FROM rollups
      WHERE rollups.project = ${table}.project AND grain = 'minute' AND start = ${table}.minute))`;
  const of = [project, floor, minutesFloor] as const;
  const deltas = db.all(
    `DELETE FROM deltas WHERE (project, minute, batch) IN (SELECT project, minute, batch FROM deltas
      WHERE ${isDone("deltas")} ORDER BY minute LIMIT ?) RETURNING 1`,
    ...of,
    limit,
  );
  if (deltas.length === limit) return deltas.length;
  const recounts = db.all(
    `DELETE FROM recounts WHERE (project, minute) IN (SELECT project, minute FROM recounts
      WHERE ${isDone("recounts")} LIMIT ?) RETURNING 1`,
    ...of,
    limit - deltas.length,
  );
  return deltas.length + recounts.length;
}

function dropRollups(
  db: Database,
  project: string,
  grain: Grain,
  floor: number,
  limit: number,
): number {
  const rows = db.all(
    `DELETE FROM rollups WHERE (project, grain, start) IN (SELECT project, grain, start FROM rollups
      WHERE project = ? AND grain = ? AND start < ? ORDER BY start LIMIT ?) RETURNING start, sections`,
    project,
    grain,
    floor,
    limit,
  ) as readonly unknown[] as readonly (readonly [number, string])[];
  for (const [start, sections] of rows) {
    for (const section of JSON.parse(sections) as readonly string[]) {
      removeSection(db, { project, grain, start }, section);
    }
    touchDay(db, project, startOf("day", start));
  }
  return rows.length;
}

/** The number of free pages that one call gives back: some milliseconds of copying. */
const pagesAtOnce = 500;

/**
 * Gives free pages at the end of the file back to the disk.
 * @returns how many free pages are left; 0 where the file cannot shrink
 */
export function shrink(db: Database): number {
  const [mode] = db.get("PRAGMA auto_vacuum")!;
  if (mode !== 2) return 0;
  db.all(`PRAGMA incremental_vacuum(${pagesAtOnce})`);
  const [left] = db.get("PRAGMA freelist_count")!;
  return left as number;
}
