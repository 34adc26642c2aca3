import type { EventRow } from "../rows.ts";
import type { Place, StoredPart, StoredQuery } from "../stored.ts";
import type { Database } from "./database.ts";
import { projectForms, projectText, toldColumns } from "./narrow.ts";

/** `StoredPart` with its events as rows. */
export interface StoredRows extends Omit<StoredPart, "events"> {
  readonly events: readonly { readonly place: Place; readonly row: EventRow }[];
}

/**
 * The events in the order of their numbers: one writer assigns these, and commits become visible in
 * that order.
 */
export function stored(db: Database, query: StoredQuery): StoredRows {
  const { after, projects, counted, limit, window } = query;
  const last = (db.get("SELECT max(seq) FROM events")?.[0] as number | null) ?? 0;
  const end: Place = [last, 0];
  const from = after?.[0] ?? last;
  const isHeld = from <= last && last - from <= window;
  const hasGap = from > last;
  if (from >= last) return { events: [], upTo: end, end, counts: [], isHeld, hasGap };
  const events = rowsBehind(db, from, last, projects, limit);
  const lastGiven = events.length < limit ? undefined : events.at(-1);
  return {
    events,
    upTo: lastGiven?.place ?? end,
    end,
    counts: countsBehind(db, from, last, [...new Set([...projects, ...counted])]),
    isHeld,
    hasGap,
  };
}

function rowsBehind(
  db: Database,
  from: number,
  last: number,
  projects: readonly string[],
  limit: number,
): StoredRows["events"] {
  if (projects.length === 0) return [];
  const rows = db.all(
    `SELECT seq, ${toldColumns} FROM events NOT INDEXED
      WHERE seq > ? AND seq <= ? AND project IN (SELECT value FROM json_each(?)) ORDER BY seq LIMIT ?`,
    from,
    last,
    formsAsJson(db, projects),
    limit,
  );
  return rows.map(([seq, ...row]) => ({
    place: [seq as number, 0],
    row: row as unknown as EventRow,
  }));
}

function countsBehind(
  db: Database,
  from: number,
  last: number,
  projects: readonly string[],
): StoredPart["counts"] {
  if (projects.length === 0) return [];
  return db.all(
    `SELECT ${projectText}, type, count(*) FROM events NOT INDEXED
      WHERE seq > ? AND seq <= ? AND project IN (SELECT value FROM json_each(?)) GROUP BY 1, type`,
    from,
    last,
    formsAsJson(db, projects),
  ) as readonly unknown[] as StoredPart["counts"];
}

function formsAsJson(db: Database, projects: readonly string[]): string {
  return JSON.stringify(projects.flatMap((project) => projectForms(db, project)));
}
