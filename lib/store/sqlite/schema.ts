import type { DatabaseSync } from "node:sqlite";
import { identityStep } from "../../sqlite/folder-part.ts";
import { migrate, versionOf, type SchemaSteps } from "../../sqlite/schema-steps.ts";

/**
 * The number of events in a full chunk. The events of a chunk were stored one after the other. A
 * full chunk has columns, which hold its events' fields, properties and owners
 * (`columns/places.ts`).
 */
export const chunkSize = 16_384;

/**
 * The project of rows that only keep a place in the order of storing. No event has this project.
 */
export const placeholder = "";

const first = `
  CREATE TABLE events (
    seq INTEGER PRIMARY KEY,
    project TEXT NOT NULL,
    id TEXT NOT NULL,
    batch TEXT NOT NULL,
    timestamp INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    type TEXT NOT NULL,
    source TEXT NOT NULL,
    correlation_id TEXT,
    user_id TEXT,
    hash TEXT NOT NULL,
    body TEXT NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX events_by_id ON events (project, id);
  CREATE INDEX events_by_time ON events (project, timestamp, id);
  CREATE INDEX events_by_type ON events (project, type, timestamp, id);
  CREATE INDEX events_by_correlation ON events ((seq / 16384), project, correlation_id, timestamp, id)
    WHERE correlation_id IS NOT NULL;
  CREATE INDEX events_by_user ON events ((seq / 16384), project, user_id, timestamp, id)
    WHERE user_id IS NOT NULL;

  -- The instants that a project's events of a chunk span.
  CREATE TABLE chunks (
    project TEXT NOT NULL,
    chunk INTEGER NOT NULL,
    oldest INTEGER NOT NULL,
    newest INTEGER NOT NULL,
    PRIMARY KEY (project, chunk)
  ) STRICT, WITHOUT ROWID;

  -- A new nonce whenever an event of the day is stored.
  CREATE TABLE days (
    project TEXT NOT NULL,
    day INTEGER NOT NULL,
    nonce TEXT NOT NULL,
    PRIMARY KEY (project, day)
  ) STRICT, WITHOUT ROWID;

  -- Cells in three columns, the cheapest first, so that reading one leaves the others on disk.
  -- A condensed row keeps its key and has no cells: they are in the minute's row of batch ''.
  CREATE TABLE deltas (
    project TEXT NOT NULL,
    minute INTEGER NOT NULL,
    batch TEXT NOT NULL,
    types TEXT,
    users TEXT,
    dimensions TEXT,
    PRIMARY KEY (project, minute, batch)
  ) STRICT, WITHOUT ROWID;

  -- The order of seq is the order of marking.
  CREATE TABLE dirty (
    seq INTEGER PRIMARY KEY,
    project TEXT NOT NULL,
    grain TEXT NOT NULL,
    start INTEGER NOT NULL,
    nonce TEXT NOT NULL,
    marked_at INTEGER NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX dirty_by_bucket ON dirty (project, grain, start);
  CREATE INDEX dirty_by_grain ON dirty (grain);

  CREATE TABLE rollups (
    project TEXT NOT NULL,
    grain TEXT NOT NULL,
    start INTEGER NOT NULL,
    v INTEGER NOT NULL,
    -- The names of its sections, a JSON array.
    sections TEXT NOT NULL,
    PRIMARY KEY (project, grain, start)
  ) STRICT, WITHOUT ROWID;

  -- In this order one section over a range is one sequential scan.
  CREATE TABLE sections (
    project TEXT NOT NULL,
    grain TEXT NOT NULL,
    section TEXT NOT NULL,
    start INTEGER NOT NULL,
    cells TEXT NOT NULL,
    PRIMARY KEY (project, grain, section, start)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE pings (at INTEGER NOT NULL) STRICT;
  INSERT INTO pings VALUES (0);
`;

/**
 * Both tables came without a new version: files of version 1 have both tables, only the first, or
 * none. If the form of columns changes, a new step must empty their table; the store then writes
 * the columns anew.
 */
const columnsAndQuestions = `
  -- What the events of a chunk say, column by column, once the chunk is full: for questions that no
  -- rollup answers. The column '' says how to read the others. All of it can be made again.
  CREATE TABLE IF NOT EXISTS columns (
    chunk INTEGER NOT NULL,
    name TEXT NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (chunk, name)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE IF NOT EXISTS questions (
    project TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    description TEXT NOT NULL,
    version TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    saved_at INTEGER NOT NULL,
    question TEXT NOT NULL,
    PRIMARY KEY (project, name)
  ) STRICT;
`;

/** Events whose bodies cannot be read any more: their rows, unchanged, and when that was found. */
const brokenEvents = `
  CREATE TABLE broken (
    seq INTEGER PRIMARY KEY,
    project TEXT NOT NULL,
    id TEXT NOT NULL,
    batch TEXT NOT NULL,
    timestamp INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    type TEXT NOT NULL,
    source TEXT NOT NULL,
    correlation_id TEXT,
    user_id TEXT,
    hash TEXT NOT NULL,
    body TEXT NOT NULL,
    found_at INTEGER NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX broken_by_id ON broken (project, id);
`;

/** The column for how a saved question is shown. */
const views = "ALTER TABLE questions ADD COLUMN view TEXT;";

/**
 * Columns are compressed from this version on, which earlier versions cannot read. Columns that
 * earlier versions wrote stay as they are.
 */
const compressedColumns = "";

/** The tables of keys and of administrative acts. */
const keysAndActs = `
  CREATE TABLE keys (
    id TEXT PRIMARY KEY,
    project TEXT NOT NULL,
    name TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    hint TEXT NOT NULL,
    scopes TEXT NOT NULL,
    replaces TEXT,
    created_at INTEGER NOT NULL,
    ends_at INTEGER,
    revoked INTEGER NOT NULL,
    used_at INTEGER
  ) STRICT;
  CREATE INDEX keys_by_project ON keys (project, created_at, id);

  -- How often it changed which keys hold.
  CREATE TABLE key_changes (n INTEGER NOT NULL) STRICT;
  INSERT INTO key_changes VALUES (0);

  CREATE TABLE acts (
    project TEXT NOT NULL,
    id TEXT NOT NULL,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    what TEXT NOT NULL,
    target TEXT NOT NULL,
    details TEXT NOT NULL,
    request_id TEXT,
    outcome TEXT NOT NULL,
    PRIMARY KEY (project, id)
  ) STRICT, WITHOUT ROWID;
  CREATE TRIGGER acts_stay BEFORE DELETE ON acts
    BEGIN SELECT RAISE(ABORT, 'what was done stays told'); END;
  CREATE TRIGGER acts_end_once BEFORE UPDATE ON acts
    WHEN old.outcome <> 'begun' OR new.project <> old.project OR new.id <> old.id OR new.at <> old.at
      OR new.actor <> old.actor OR new.what <> old.what OR new.target <> old.target
      OR new.details <> old.details OR new.request_id IS NOT old.request_id
    BEGIN SELECT RAISE(ABORT, 'what was done stays told'); END;
`;

/** The tables of erased events and fenced-off users. */
const erasures = `
  -- Ids of erased events: none accepted up to that instant comes in again, nor any later one unless it is reusable.
  CREATE TABLE tombstones (
    project TEXT NOT NULL,
    id TEXT NOT NULL,
    erased_at INTEGER NOT NULL,
    reusable INTEGER NOT NULL,
    PRIMARY KEY (project, id)
  ) STRICT, WITHOUT ROWID;

  -- Users none of whose events come in that were accepted up to an instant, under hashes of their names.
  CREATE TABLE fences (
    subject TEXT PRIMARY KEY,
    before INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- How often a minute was counted anew from its events: each time its sum weighs one more.
  CREATE TABLE recounts (
    project TEXT NOT NULL,
    minute INTEGER NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (project, minute)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE jobs (
    project TEXT NOT NULL,
    id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    is_open INTEGER NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (project, id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX open_jobs ON jobs (id) WHERE is_open = 1;
`;

/**
 * The instant at which a mark got its last nonce. From this version on a minute with few deltas has
 * no rollup, and deltas of a few events are packed; earlier versions can read neither.
 */
const renewals = "ALTER TABLE dirty ADD COLUMN renewed_at INTEGER NOT NULL DEFAULT 0;";
/** The tables of schemas and of events in quarantine. */
const schemasAndQuarantine = `
  CREATE TABLE schemas (
    project TEXT NOT NULL,
    type TEXT NOT NULL,
    revision INTEGER NOT NULL,
    current TEXT NOT NULL,
    versions TEXT NOT NULL,
    PRIMARY KEY (project, type)
  ) STRICT, WITHOUT ROWID;

  -- How often a schema changed.
  CREATE TABLE schema_changes (n INTEGER NOT NULL) STRICT;
  INSERT INTO schema_changes VALUES (0);

  CREATE TABLE quarantine (
    project TEXT NOT NULL,
    id TEXT NOT NULL,
    batch TEXT NOT NULL,
    type TEXT NOT NULL,
    user_id TEXT,
    received_at INTEGER NOT NULL,
    timestamp INTEGER NOT NULL,
    hash TEXT NOT NULL,
    revision INTEGER NOT NULL,
    -- The batch by which it comes out.
    replay TEXT,
    held TEXT NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX quarantine_by_id ON quarantine (project, id);
  CREATE INDEX quarantine_by_time ON quarantine (project, received_at, id);
  CREATE INDEX quarantine_by_type ON quarantine (project, type, received_at, id);
  CREATE INDEX quarantine_by_user ON quarantine (project, user_id) WHERE user_id IS NOT NULL;
`;

/**
 * Each commit notes the owners of its events, and full chunks have them in columns. Both replace
 * two indexes.
 */
const places = `
  DROP INDEX IF EXISTS events_by_user;
  DROP INDEX IF EXISTS events_by_correlation;

  -- Hashes of the users and correlations of events that were stored one after the other, from the
  -- one of this number on; until the columns of their chunk are made, which tell the same.
  CREATE TABLE places (
    seq INTEGER PRIMARY KEY,
    hashes BLOB NOT NULL
  ) STRICT;
`;

/**
 * The instant up to which batches were made whose deltas were compacted, for each minute and for
 * all minutes. Compaction adds the number of the deltas that it removes to `n`, which is what a
 * minute's sum counts beyond its stored deltas. Earlier versions would add the delta of such a
 * batch once more.
 */
const compactions = `
  ALTER TABLE recounts ADD COLUMN through INTEGER NOT NULL DEFAULT 0;
  CREATE TABLE compactions (through INTEGER NOT NULL) STRICT;
  INSERT INTO compactions VALUES (0);
`;

/**
 * Projects are numbered, and events kept as `narrow.ts` says: their columns may hold numbers and
 * bytes from this version on, which no statement of SQL can grant to columns that exist. Which
 * events of earlier versions are still to be changed: those numbered from `next` to `last`.
 */
const narrowEvents = `
  CREATE TABLE projects (n INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
  CREATE TABLE narrowing (next INTEGER NOT NULL, last INTEGER NOT NULL) STRICT;
  INSERT INTO narrowing SELECT 0, coalesce(max(seq), -1) FROM events;

  PRAGMA writable_schema = ON;
  UPDATE sqlite_schema SET sql = replace(replace(replace(sql,
      'project TEXT NOT NULL', 'project ANY NOT NULL'),
      ' id TEXT NOT NULL', ' id ANY NOT NULL'),
      'batch TEXT NOT NULL', 'batch ANY NOT NULL')
    WHERE type = 'table' AND name = 'events';
  PRAGMA writable_schema = RESET;
`;

export const storeSchema: SchemaSteps = [
  first,
  columnsAndQuestions,
  identityStep,
  brokenEvents,
  views,
  compressedColumns,
  keysAndActs,
  erasures,
  renewals,
  schemasAndQuarantine,
  places,
  compactions,
  narrowEvents,
];

/**
 * Sets up a new connection that writes: commits are durable, and missing tables are made.
 * @throws NewerSchema
 */
export function prepareStore(db: DatabaseSync, file: string): void {
  // Lets `shrink` give free pages back later. In a file that has tables this pragma would write
  // past the log.
  if (versionOf(db, file, storeSchema) === 0) db.exec("PRAGMA auto_vacuum = INCREMENTAL");
  db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
  migrate(db, file, storeSchema);
}
