import type { Database } from "./database.ts";

/** The key of each table, which leads to its end within a few pages. */
const ends = {
  events: "seq",
  chunks: "project",
  columns: "chunk",
  days: "project",
  deltas: "project",
  places: "seq",
  dirty: "seq",
  rollups: "project",
  sections: "project",
  questions: "rowid",
  keys: "rowid",
  acts: "project",
  tombstones: "project",
  fences: "subject",
  recounts: "project",
  jobs: "project",
  projects: "n",
} as const satisfies Readonly<Record<string, string>>;

/**
 * Reads the first and the last row of each table, and the newest event whole: a few pages, whatever
 * the file's size.
 */
export function look(db: Database): void {
  for (const [table, key] of Object.entries(ends)) {
    db.get(`SELECT ${key} FROM ${table} NOT INDEXED ORDER BY ${key} LIMIT 1`);
    db.get(`SELECT ${key} FROM ${table} NOT INDEXED ORDER BY ${key} DESC LIMIT 1`);
  }
  db.get("SELECT * FROM events ORDER BY seq DESC LIMIT 1");
}
