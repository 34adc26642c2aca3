import type { Database } from "./database.ts";
import { keepPlace } from "./erase.ts";
import { idText, projectText, toldColumns } from "./narrow.ts";
import { overwriting } from "./overwriting.ts";
import { forgetColumns } from "./places.ts";
import { eventColumns, type EventRow } from "../rows.ts";
import { chunkSize } from "./schema.ts";

/** An event whose body is invalid JSON: the disk damaged it. */
interface BrokenEvent {
  readonly seq: number;
  readonly project: string;
  readonly id: string;
}

/**
 * Finds the events that cannot be read. Reads every event, some seconds for a million, so it is
 * called only after a read met an unreadable body.
 */
export function brokenEvents(db: Database): readonly BrokenEvent[] {
  const found: BrokenEvent[] = [];
  const told = `SELECT seq, ${projectText}, ${idText("id")}, body FROM events NOT INDEXED`;
  for (const row of db.iterate(told)) {
    const [seq, project, id, body] = row as readonly unknown[] as [number, string, string, string];
    if (!isReadable(body)) found.push({ seq, project, id });
  }
  return found;
}

function isReadable(body: string): boolean {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === "object" && value !== null;
  } catch {
    return false;
  }
}

/**
 * Excludes events from all reads, and keeps their rows as they are. Rollups still count them; the
 * columns of their chunks are made again. An event that is sent again comes back (`putBack`), and
 * counts no more than before.
 */
export function setAside(db: Database, events: readonly BrokenEvent[]): void {
  const [before] = db.get("SELECT max(seq) FROM events")!;
  const copy = `INSERT INTO broken (seq, ${eventColumns}, found_at)
    SELECT seq, ${toldColumns}, ? FROM events WHERE seq = ?`;
  overwriting(db, () => {
    for (const { seq } of events) {
      db.run(copy, Date.now(), seq);
      db.run("DELETE FROM events WHERE seq = ?", seq);
    }
    const chunks = new Set(events.map(({ seq }) => Math.floor(seq / chunkSize)));
    for (const chunk of chunks) forgetColumns(db, chunk);
  });
  keepPlace(db, before as number | null);
}

/** The time range of a project's events that were set aside. */
export interface BrokenSpan {
  readonly project: string;
  /** The timestamps of the oldest and the newest one. */
  readonly oldest: number;
  readonly newest: number;
}

/** The ranges of all projects that have such events, one for each project. */
export function brokenSpans(db: Database): readonly BrokenSpan[] {
  const spans = "SELECT project, min(timestamp), max(timestamp) FROM broken GROUP BY project";
  return [...db.iterate(spans)].map((row) => {
    const [project, oldest, newest] = row as readonly unknown[] as [string, number, number];
    return { project, oldest, newest };
  });
}

/**
 * Restores an event that was set aside and is sent again with the same content.
 * @returns the row to store: the old one with the body that was sent; `undefined` where there is no
 *   such event
 */
export function putBack(db: Database, row: EventRow): EventRow | undefined {
  const [project, id, , , , , , , , hash, body] = row;
  const ofContent = "FROM broken WHERE project = ? AND id = ? AND hash = ?";
  const found = db.get(`SELECT ${eventColumns} ${ofContent}`, project, id, hash);
  if (found === undefined) return undefined;
  overwriting(db, () => db.run(`DELETE ${ofContent}`, project, id, hash));
  return [...found.slice(0, -1), body] as readonly unknown[] as EventRow;
}

/** Whether an event of this id was set aside. */
export function isBroken(db: Database, [project, id]: EventRow): boolean {
  return db.get("SELECT 1 FROM broken WHERE project = ? AND id = ?", project, id) !== undefined;
}
