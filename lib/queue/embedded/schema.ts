import type { DatabaseSync } from "node:sqlite";
import { identityStep } from "../../sqlite/folder-part.ts";
import { migrate, versionOf, type SchemaSteps } from "../../sqlite/schema-steps.ts";

// Opening counts rows by the indexes alone, without reading bodies: hence `size` and `dead_by_age`.
const first = `
  CREATE TABLE messages (
    id INTEGER PRIMARY KEY,
    received_at INTEGER NOT NULL,
    size INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    due_at INTEGER,
    body BLOB NOT NULL
  ) STRICT;
  CREATE INDEX messages_by_age ON messages (received_at, size);
  CREATE INDEX messages_by_due ON messages (due_at, id) WHERE due_at IS NOT NULL;
  CREATE TABLE dead (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    received_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    died_at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    body BLOB NOT NULL
  ) STRICT;
  CREATE INDEX dead_by_age ON dead (died_at);
`;

export const queueSchema: SchemaSteps = [first, identityStep];

/**
 * Sets up a new connection: durable to the last commit, a few MB of memory, tables created where
 * they are missing. Other processes may read the file for a backup; the lock of DATA_DIR excludes
 * other writers.
 * @throws NewerSchema
 */
export function prepareFile(db: DatabaseSync, path: string): void {
  // On a file with tables this pragma would be a write.
  if (versionOf(db, path, queueSchema) === 0) {
    db.exec("PRAGMA page_size = 8192; PRAGMA auto_vacuum = INCREMENTAL;");
  }
  db.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA cache_size = -2000;
    PRAGMA mmap_size = 0;
    PRAGMA temp_store = MEMORY;
    PRAGMA wal_autocheckpoint = 512;
    PRAGMA journal_size_limit = 8388608;
    PRAGMA secure_delete = FAST;
  `);
  migrate(db, path, queueSchema);
}
