import type { DatabaseSync } from "node:sqlite";

/**
 * Writes the log back into the file, syncs that, and empties the log. Outside of transactions only.
 * @param waitMs how long to wait for readers of the log
 * @param usualMs how long the connection waits for locks otherwise
 * @returns false where a reader still needs the log
 */
export function emptyLog(db: DatabaseSync, waitMs: number, usualMs: number): boolean {
  try {
    db.exec(`PRAGMA busy_timeout = ${waitMs}`);
    return db.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get()?.["busy"] === 0;
  } finally {
    if (db.isOpen) db.exec(`PRAGMA busy_timeout = ${usualMs}`);
  }
}
