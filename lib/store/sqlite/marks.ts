import { randomUUID } from "node:crypto";
import type { Marks } from "../../counting/cover.ts";
import { grainMs, startOf, type Grain, type DirtyMark } from "../../counting/bucket.ts";
import { fewDeltas } from "../../counting/delta.ts";
import type { Range } from "../../event/filter.ts";
import type { StillChanging } from "../store.ts";
import type { Database } from "./database.ts";

/** A bucket as it crosses between threads. */
export type BucketRow = readonly [project: string, grain: Grain, start: number];

/** Mark minutes and change the fingerprints of their days. */
export function markDirty(db: Database, minutes: readonly BucketRow[]): void {
  for (const minute of minutes) {
    markParent(db, minute);
    touchDay(db, minute[0], startOf("day", minute[2]));
  }
}

/** An existing mark keeps its place and its time: it is still to be worked off. */
export function markParent(db: Database, bucket: BucketRow): void {
  const now = Date.now();
  db.run(
    `INSERT INTO dirty (project, grain, start, nonce, marked_at, renewed_at) VALUES (?, ?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET nonce = excluded.nonce, renewed_at = excluded.renewed_at`,
    ...bucket,
    randomUUID(),
    now,
    now,
  );
}

/**
 * Marks minutes that have just got deltas, and changes the fingerprints of their days. A minute that
 * stays without a rollup gets no mark: a pass over the marks would only mark its hour, so the hour
 * is marked at once.
 */
export function markCounted(
  db: Database,
  minutes: readonly (readonly [project: string, minute: number])[],
): void {
  for (const [project, of] of Map.groupBy(minutes, ([name]) => name)) {
    const starts = of.map(([, minute]) => minute);
    const bare = bareAmong(db, project, starts);
    const marked = { minute: new Set<number>(), hour: new Set<number>(), day: new Set<number>() };
    for (const minute of starts) {
      const grain = bare.has(minute) ? "hour" : "minute";
      marked[grain].add(startOf(grain, minute));
      marked.day.add(startOf("day", minute));
    }
    markAll(db, project, "minute", marked.minute);
    markAll(db, project, "hour", marked.hour);
    touchDays(db, project, marked.day);
  }
}

/** Of some minutes those that have so few deltas that they get no rollup, and have none. */
function bareAmong(db: Database, project: string, minutes: readonly number[]): ReadonlySet<number> {
  const bare = db.all(
    `SELECT value FROM json_each(?2) WHERE NOT EXISTS (
        SELECT 1 FROM rollups WHERE project = ?1 AND grain = 'minute' AND start = value)
      AND NOT EXISTS (
        SELECT 1 FROM deltas WHERE project = ?1 AND minute = value LIMIT 1 OFFSET ${fewDeltas - 1})
      AND NOT EXISTS (SELECT 1 FROM recounts WHERE project = ?1 AND minute = value)`,
    project,
    JSON.stringify(minutes),
  );
  return new Set(bare.map(([minute]) => minute as number));
}

/**
 * Marks many buckets of a grain, as `markParent` does one. They share a nonce: it is compared only
 * with the same bucket's.
 */
function markAll(db: Database, project: string, grain: Grain, starts: ReadonlySet<number>): void {
  if (starts.size === 0) return;
  db.run(
    `INSERT INTO dirty (project, grain, start, nonce, marked_at, renewed_at)
      SELECT ?1, ?2, value, ?3, ?4, ?4 FROM json_each(?5) WHERE true
      ON CONFLICT DO UPDATE SET nonce = excluded.nonce, renewed_at = excluded.renewed_at`,
    project,
    grain,
    randomUUID(),
    Date.now(),
    JSON.stringify([...starts]),
  );
}

export function clearMark(db: Database, bucket: BucketRow, nonce: string): void {
  db.run(
    "DELETE FROM dirty WHERE project = ? AND grain = ? AND start = ? AND nonce = ?",
    ...bucket,
    nonce,
  );
}

export function dirty(
  db: Database,
  grain: Grain,
  limit: number,
  changing?: StillChanging,
): readonly DirtyMark[] {
  const { now, renewedSince, markedSince } = changing ?? {
    now: 0,
    renewedSince: 0,
    markedSince: 0,
  };
  // Times after now were written before the clock was set back and count as old.
  const rows = db.all(
    `SELECT project, start, nonce FROM dirty WHERE grain = ?1
        AND NOT (renewed_at > ?2 AND renewed_at <= ?3 AND marked_at > ?4 AND marked_at <= ?3)
      ORDER BY seq LIMIT ?5`,
    grain,
    renewedSince,
    now,
    markedSince,
    limit,
  ) as readonly unknown[] as readonly (readonly [string, number, string])[];
  return rows.map(([project, start, nonce]) => ({
    bucket: { project, grain, start },
    nonce,
  }));
}

export function dirtyBacklog(db: Database): { marks: number; oldestMarkedAt: number | null } {
  const [marks, oldestMarkedAt] = db.get(
    "SELECT count(*), min(marked_at) FROM dirty",
  ) as unknown as readonly [number, number | null];
  return { marks, oldestMarkedAt };
}

/** The marks of all grains at once: a reader's transaction sees one state of the file. */
export function marks(db: Database, project: string, { from, to }: Range): Marks {
  const starts = (grain: Grain) =>
    db
      .all(
        "SELECT start FROM dirty WHERE project = ? AND grain = ? AND start >= ? AND start < ? ORDER BY start",
        project,
        grain,
        from,
        to,
      )
      .map(([start]) => start as number);
  return { minute: starts("minute"), hour: starts("hour"), day: starts("day") };
}

/** Changes the fingerprint of a day. */
export function touchDay(db: Database, project: string, day: number): void {
  touchDays(db, project, new Set([day]));
}

/** Changes the fingerprints of many days. */
export function touchDays(db: Database, project: string, days: ReadonlySet<number>): void {
  db.run(
    `INSERT INTO days SELECT ?1, value, ?2 FROM json_each(?3) WHERE true
      ON CONFLICT DO UPDATE SET nonce = excluded.nonce`,
    project,
    randomUUID(),
    JSON.stringify([...days]),
  );
}

/** The next marked day, by project, then by time. */
export function nextDay(db: Database, after?: BucketRow): BucketRow | undefined {
  const [project, , day] = after ?? ["", "day", -Infinity];
  const found = db.get(
    "SELECT project, day FROM days WHERE (project, day) > (?, ?) ORDER BY project, day LIMIT 1",
    project,
    day,
  ) as readonly [string, number] | undefined;
  return found && [found[0], "day", found[1]];
}

/** The days within which the range lies, with their nonces. */
export function days(db: Database, project: string, { from, to }: Range): readonly string[] {
  const rows = db.all(
    "SELECT day, nonce FROM days WHERE project = ? AND day > ? AND day < ? ORDER BY day",
    project,
    from - grainMs.day,
    to,
  );
  return rows.map(([day, nonce]) => `${day} ${nonce}`);
}
