import type { DatabaseSync } from "node:sqlite";

export const schemaVersion = 1;

// Opening counts from the indexes alone, without reading bodies: hence `size` and `dead_by_age`.
const schema = `
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
  PRAGMA user_version = ${schemaVersion};
`;

/** The file was written by a version that knows more than this one. */
export class NewerSchema extends Error {
  override readonly name = "NewerSchema";

  constructor(file: string, found: number) {
    super(
      `${file} was written by a newer version (schema ${found}, this version knows ${schemaVersion}); ` +
        "start the newer version again or move the file away",
    );
  }
}

/**
 * Set a fresh connection up: durable to the last commit, a few MB of memory, tables made where they
 * are missing. Others may read it, for a backup; that nobody else writes is DATA_DIR's lock.
 * @throws NewerSchema
 */
export function prepareFile(db: DatabaseSync, path: string): void {
  db.exec(`
    PRAGMA page_size = 8192;
    PRAGMA auto_vacuum = INCREMENTAL;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA cache_size = -2000;
    PRAGMA mmap_size = 0;
    PRAGMA temp_store = MEMORY;
    PRAGMA wal_autocheckpoint = 512;
    PRAGMA journal_size_limit = 8388608;
  `);
  const row = db.prepare("PRAGMA user_version").get() as { user_version: number };
  if (row.user_version > schemaVersion) throw new NewerSchema(path, row.user_version);
  if (row.user_version === 0) db.exec(`BEGIN IMMEDIATE; ${schema} COMMIT;`);
}
