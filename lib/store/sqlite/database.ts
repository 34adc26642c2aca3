import { mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { LRUCache } from "lru-cache";
import { emptyLog } from "../../sqlite/empty-log.ts";
import { countOpening } from "../../sqlite/opened.ts";
import { NewerSchema, versionOf } from "../../sqlite/schema-steps.ts";
import { addConditionFunctions } from "./functions.ts";
import { prepareStore, storeSchema } from "./schema.ts";

/** The type of a row's cell and of a parameter. Whole numbers are stored as such. */
export type Value = string | number | Uint8Array | null;
export type Row = readonly Value[];

/** The file cannot be used right now. */
export class Away extends Error {
  override readonly name = "Away";
  /** Whether the file's content is unreadable, which does not pass by itself. */
  readonly damaged: boolean;

  constructor(message: string, damaged = false) {
    super(message);
    this.damaged = damaged;
  }
}

export interface DatabaseOptions {
  readonly file: string;
  readonly role: "writer" | "reader";
  /**
   * Whether a missing file and its folder may be created. False once the file existed: a volume
   * that is gone for a while must not be replaced by an empty store that hides its return.
   */
  readonly create: boolean;
}

/** How long a failure is assumed to last. */
const retryMs = 1_000;

/** How long to wait for a process that holds the lock for a backup. */
const busyMs = 2_000;

/** How long emptying the log waits for readers: no write is carried out meanwhile. */
const readersMs = 20;

/** The most prepared statements that are kept: filters come in many shapes. */
const maxStatements = 200;

/** How much of what it removes a writer overwrites without being asked: what costs no write. */
export const usualDelete = "FAST";

/**
 * busy, locked, no memory, read-only, I/O error, corrupt, full, cannot open, locking protocol, not
 * a database
 */
const outages = new Set([5, 6, 7, 8, 10, 11, 13, 14, 15, 26]);

/** Those of them that leave the connection as good as it was. */
const passing = new Set([5, 6, 7, 13]);

/** Those that say that pages are not what was written. */
const damages = new Set<number | undefined>([11, 26]);

/**
 * The store's file as one thread sees it. It is opened at first use; after a failure it is closed
 * and reopened, at most once a second, so that it recovers by itself. Synchronous: only for a
 * thread that may wait for a disk.
 */
export class Database {
  /** Called repeatedly by long work. Throws where the call under way must end. */
  check: () => void = () => undefined;
  readonly #options: DatabaseOptions;
  readonly #statements = new LRUCache<string, StatementSync>({ max: maxStatements });
  #db: DatabaseSync | undefined;
  #inode = 0;
  #create: boolean;
  #failure: { readonly at: number; readonly error: Error } | undefined;

  constructor(options: DatabaseOptions) {
    this.#options = options;
    this.#create = options.create;
  }

  get file(): string {
    return this.#options.file;
  }

  /**
   * Does some work in one transaction: all of it or nothing, and a read sees one state.
   * @throws Away, NewerSchema, or what the work throws where the work itself is at fault
   */
  transaction<T>(work: (db: this) => T): T {
    const db = this.#opened();
    try {
      db.exec(this.#options.role === "writer" ? "BEGIN IMMEDIATE" : "BEGIN");
      const result = work(this);
      db.exec("COMMIT");
      return result;
    } catch (error) {
      throw this.#failed(db, error);
    }
  }

  all(sql: string, ...parameters: readonly Value[]): readonly Row[] {
    return this.prepared(sql).all(...parameters) as unknown as readonly Row[];
  }

  get(sql: string, ...parameters: readonly Value[]): Row | undefined {
    return this.prepared(sql).get(...parameters) as unknown as Row | undefined;
  }

  iterate(sql: string, ...parameters: readonly Value[]): Iterable<Row> {
    return this.prepared(sql).iterate(...parameters) as unknown as Iterable<Row>;
  }

  run(sql: string, ...parameters: readonly Value[]): void {
    this.prepared(sql).run(...parameters);
  }

  /** The statement of a text, rows as arrays; within a transaction only. */
  prepared(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#db!.prepare(sql);
    statement.setReturnArrays(true);
    this.#statements.set(sql, statement);
    return statement;
  }

  /**
   * Writes the log back into the file and empties the log. Outside of transactions only.
   * @returns false where a reader still needs the log
   * @throws Away
   */
  emptyLog(): boolean {
    const db = this.#opened();
    try {
      return emptyLog(db, readersMs, busyMs);
    } catch (error) {
      throw this.#failed(db, error);
    }
  }

  close(): void {
    this.#statements.clear();
    this.#db?.close();
    this.#db = undefined;
  }

  #opened(): DatabaseSync {
    if (this.#failure !== undefined && performance.now() - this.#failure.at < retryMs) {
      throw this.#failure.error;
    }
    this.#failure = undefined;
    try {
      // A file can be removed or replaced under an open handle: commits would then succeed and be
      // lost with it.
      if (this.#db !== undefined && inodeOf(this.#options.file) !== this.#inode) {
        throw new Away(`${this.#options.file} was removed or replaced`);
      }
      this.#db ??= this.#open();
      return this.#db;
    } catch (error) {
      throw this.#gone(error);
    }
  }

  #open(): DatabaseSync {
    const { file, role } = this.#options;
    if (this.#create) mkdirSync(dirname(file), { recursive: true });
    else if (inodeOf(file) === undefined) throw new Away(`${file} is missing`);
    if (role === "writer") countOpening(file);
    const db = new DatabaseSync(file, { timeout: busyMs, readOnly: role === "reader" });
    try {
      if (role === "writer") prepareWriter(db, file);
      else prepareReader(db, file);
      this.#inode = inodeOf(file) ?? 0;
      this.#create = false;
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  }

  /**
   * Rolls back a failed transaction.
   * @returns the error to throw
   */
  #failed(db: DatabaseSync, error: unknown): Error {
    const code = outageCode(error);
    try {
      if (db.isTransaction) db.exec("ROLLBACK");
    } catch (rollbackError) {
      return this.#gone(rollbackError);
    }
    if (code === undefined) return asError(error);
    if (passing.has(code)) return new Away(asError(error).message);
    return this.#gone(error);
  }

  /** Closes a connection that cannot be trusted any more and leaves it closed for a while. */
  #gone(error: unknown): Error {
    try {
      this.close();
    } catch {
      this.#db = undefined;
    }
    const reason = error instanceof NewerSchema ? error : awayBecause(error);
    this.#failure = { at: performance.now(), error: reason };
    return reason;
  }
}

function prepareWriter(db: DatabaseSync, file: string): void {
  prepareStore(db, file);
  db.exec(`
    PRAGMA cache_size = -8192;
    PRAGMA temp_store = MEMORY;
    PRAGMA wal_autocheckpoint = 4000;
    PRAGMA journal_size_limit = 67108864;
    PRAGMA secure_delete = ${usualDelete};
  `);
  // After a failed sync the kernel may take pages for clean that never reached the disk. Writing
  // the log into the file and syncing that leaves nothing that relies on such pages.
  try {
    db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  } catch (error) {
    const code = outageCode(error);
    // A full disk can still be read.
    if (code === undefined || !passing.has(code)) throw error;
  }
}

function prepareReader(db: DatabaseSync, file: string): void {
  db.exec("PRAGMA cache_size = -4096; PRAGMA temp_store = MEMORY;");
  addConditionFunctions(db);
  if (versionOf(db, file, storeSchema) < storeSchema.length) {
    throw new Away(`${file} has not all tables yet`);
  }
}

function outageCode(error: unknown): number | undefined {
  const code = ((error as { errcode?: number } | null)?.errcode ?? 0) & 0xff;
  return outages.has(code) ? code : undefined;
}

function awayBecause(error: unknown): Away {
  return error instanceof Away
    ? error
    : new Away(asError(error).message, damages.has(outageCode(error)));
}

function inodeOf(file: string): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.ino;
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
