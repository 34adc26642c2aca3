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
  const names = Object.keys(floors.types);
  const ofOthers = `${otherTypes(names)}
    SELECT max((SELECT max(timestamp) FROM events
      WHERE project = ?1 AND type = others.type AND timestamp < ?${names.length + 2})) FROM others`;
  const ofAll = "SELECT max(timestamp) FROM events WHERE project = ? AND timestamp < ?";
  const lost: Floors = {
    events: newestEvent(floors.events, names.length === 0 ? ofAll : ofOthers, ...names),
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

/**
 * SQL for the types of a project (parameter 1) but some (parameters from 2 on), as the table
 * `others`: from one to the next, past all the events that lie between.
 */
function otherTypes(names: readonly string[]): string {
  return `WITH RECURSIVE
    types (type) AS (
      SELECT min(type) FROM events WHERE project = ?1
      UNION ALL
      SELECT (SELECT min(type) FROM events WHERE project = ?1 AND type > types.type)
        FROM types WHERE types.type IS NOT NULL
    ),
    others (type) AS (
      SELECT type FROM types
        WHERE type IS NOT NULL AND type NOT IN (${names.map((_, n) => `?${n + 2}`).join()})
    )`;
}

/**
 * Drops events below their floors, at most `limit`, and the columns of their chunks.
 * @returns how many rows were dropped
 */
export function dropEvents(db: Database, project: string, floors: Floors, limit: number): number {
  return overwriting(db, () => {
    let left = limit;
    const names = Object.keys(floors.types);
    if (floors.events !== null) {
      left -= dropOf(db, project, { but: names }, floors.events, left);
    }
    for (const type of names) {
      const floor = floors.types[type]!;
      if (floor !== null && left > 0) left -= dropOf(db, project, { type }, floor, left);
    }
    return limit - left;
  });
}

/**
 * Drops the deltas, and the counters of recounts, of minutes that `countedBelow` found.
 * @returns how many rows were dropped, at most `limit`
 */
export function dropCounted(
  db: Database,
  project: string,
  minutes: readonly number[],
  limit: number,
): number {
  return overwriting(db, () => {
    let left = limit;
    for (const minute of minutes) {
      if (left === 0) break;
      const deltas = db.all(
        `DELETE FROM deltas WHERE (project, minute, batch) IN (SELECT project, minute, batch
          FROM deltas WHERE project = ? AND minute = ? LIMIT ?) RETURNING 1`,
        project,
        minute,
        left,
      );
      left -= deltas.length;
      if (left === 0) break;
      const recounts = "DELETE FROM recounts WHERE project = ? AND minute = ? RETURNING 1";
      left -= db.all(recounts, project, minute).length;
    }
    return limit - left;
  });
}

/** Drops rollups below their floors, at most `limit`. @returns how many rows were dropped */
export function dropRollups(db: Database, project: string, floors: Floors, limit: number): number {
  return overwriting(db, () => {
    let left = limit;
    for (const [grain, floor] of [
      ["minute", floors.minutes],
      ["hour", floors.hours],
      ["day", floors.days],
    ] as const) {
      if (floor !== null && left > 0) left -= dropOfGrain(db, project, grain, floor, left);
    }
    return limit - left;
  });
}

/** Which events: those of a type, or those of all types but some. */
type Which = { readonly type: string } | { readonly but: readonly string[] };

function dropOf(db: Database, project: string, which: Which, floor: number, limit: number): number {
  const [last] = db.get("SELECT max(seq) FROM events")!;
  const chunks = new Set<number>();
  const days = new Set<number>();
  let removed = 0;
  const names = "type" in which ? [which.type] : which.but;
  const condition = "type" in which ? "type = ?" : `type NOT IN (${names.map(() => "?").join()})`;
  const below = (table: string, key: string) =>
    `SELECT ${key} FROM ${table} WHERE project = ? AND ${condition} AND timestamp < ?`;
  // Along the time all kept events would be passed over each time.
  const found =
    "type" in which || names.length === 0
      ? `${below("events", "seq")} ORDER BY timestamp LIMIT ?`
      : `${otherTypes(names)}
        SELECT seq FROM others CROSS JOIN events
          WHERE project = ?1 AND events.type = others.type AND timestamp < ? LIMIT ?`;
  const parts = [
    ...projectForms(db, project).map((form) => ["events", form, found] as const),
    ["broken", project, `${below("broken", "seq")} LIMIT ?`] as const,
  ];
  for (const [table, form, seqs] of parts) {
    const rows = db.all(
      `DELETE FROM ${table} WHERE seq IN (${seqs}) RETURNING seq, timestamp`,
      form,
      ...names,
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
    `DELETE FROM quarantine WHERE rowid IN (${below("quarantine", "rowid")} LIMIT ?) RETURNING 1`,
    project,
    ...names,
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
 * Finds minutes below the floors whose deltas, and counters of recounts, can be dropped, at most
 * `limit`. A minute without a rollup is summed from its deltas, so its deltas are dropped only
 * before the floor of minutes. Walks over all that stay.
 */
export function countedBelow(
  db: Database,
  project: string,
  floors: Floors,
  limit: number,
): readonly number[] {
  const inflow = inflowFloor(floors);
  if (inflow === null) return [];
  const isDone = (table: string) =>
    `project = ?1 AND minute < ?2 AND (minute < ?3 OR EXISTS (SELECT 1 FROM rollups
      WHERE rollups.project = ${table}.project AND grain = 'minute' AND start = ${table}.minute))`;
  const found = new Set<number>();
  for (const table of ["deltas", "recounts"]) {
    const rows = db.all(
      `SELECT DISTINCT minute FROM ${table} WHERE ${isDone(table)} ORDER BY minute LIMIT ?4`,
      project,
      inflow,
      floors.minutes ?? -Infinity,
      limit,
    );
    for (const [minute] of rows) found.add(minute as number);
  }
  return [...found].slice(0, limit);
}

function dropOfGrain(
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
