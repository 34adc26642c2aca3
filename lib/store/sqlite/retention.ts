import { higher, inflowFloor, type Floors } from "../../counting/floors.ts";
import { grainMs, startOf, type Grain } from "../../counting/bucket.ts";
import type { Database, Value } from "./database.ts";
import { keepPlace } from "./erase.ts";
import { nextDay, touchDay } from "./marks.ts";
import { inProject, projectForms } from "./narrow.ts";
import { overwriting } from "./overwriting.ts";
import { forgetColumns, spanOf } from "./places.ts";
import { removeSection } from "./rollups.ts";
import { chunkSize } from "./schema.ts";

export function below(
  db: Database,
  project: string,
  floors: Floors,
): { readonly lost: Floors; readonly from: number | null } {
  const newestOf = (of: Value, floor: number | null, sql: string, ...more: readonly string[]) => {
    if (floor === null) return null;
    const [at] = db.get(sql, of, ...more, floor) ?? [null];
    return at === null ? null : startOf("day", at as number) + grainMs.day;
  };
  const newest = (floor: number | null, sql: string, ...more: readonly string[]) =>
    newestOf(project, floor, sql, ...more);
  const forms = projectForms(db, project);
  const newestEvent = (floor: number | null, sql: string, ...more: readonly string[]) =>
    forms.map((form) => newestOf(form, floor, sql, ...more)).reduce(higher, null);
  const bare = "SELECT max(minute) FROM deltas WHERE project = ? AND minute < ?";
  const rollup = "SELECT max(start) FROM rollups WHERE project = ? AND grain = ? AND start < ?";
  const ofType =
    "SELECT max(timestamp) FROM events WHERE project = ? AND type = ? AND timestamp < ?";
  const others = Object.keys(floors.types)
    .map(() => "?")
    .join();
  const names = Object.keys(floors.types);
  const lost: Floors = {
    events: newestEvent(
      floors.events,
      `SELECT max(timestamp) FROM events WHERE project = ? AND type NOT IN (${others}) AND timestamp < ?`,
      ...names,
    ),
    minutes: higher(newest(floors.minutes, rollup, "minute"), newest(floors.minutes, bare)),
    hours: newest(floors.hours, rollup, "hour"),
    days: newest(floors.days, rollup, "day"),
    types: Object.fromEntries(
      names.map((type) => [type, newestEvent(floors.types[type]!, ofType, type)]),
    ),
  };
  const first = nextDay(db, [project, "day", -Infinity]);
  return { lost, from: first?.[0] === project ? first[2] : null };
}

export function drop(db: Database, project: string, floors: Floors, limit: number): number {
  return overwriting(db, () => dropAll(db, project, floors, limit));
}

function dropAll(db: Database, project: string, floors: Floors, limit: number): number {
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
  const parts = [
    ...projectForms(db, project).map((form) => ["events", form] as const),
    ["broken", project] as const,
  ];
  for (const [table, form] of parts) {
    const rows = db.all(
      `DELETE FROM ${table} WHERE seq IN (SELECT seq FROM ${table}
        WHERE project = ? AND ${condition} AND timestamp < ? ORDER BY timestamp LIMIT ?)
        RETURNING seq, timestamp`,
      form,
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
  const ofProject = inProject(db, project);
  const existing = db.get(
    `SELECT 1 FROM events WHERE seq BETWEEN ? AND ? AND ${ofProject.sql} LIMIT 1`,
    ...spanOf(chunk),
    ...ofProject.parameters,
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
