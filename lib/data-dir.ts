import { randomUUID } from "node:crypto";
import { mkdirSync } from "node:fs";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";

/** Who holds a data folder. */
export interface DataDirHolder {
  readonly pid: number;
  readonly host: string;
  /** Epoch milliseconds. */
  readonly startedAt: number;
}

/** Another process holds the folder, or this one does already. */
export class DataDirInUse extends Error {
  override readonly name = "DataDirInUse";
  readonly folder: string;
  /** `null` where it could not be read. */
  readonly holder: DataDirHolder | null;

  constructor(folder: string, holder: DataDirHolder | null) {
    const who =
      holder === null
        ? "another process"
        : `process ${holder.pid} on ${holder.host}, since ${new Date(holder.startedAt).toISOString()}`;
    super(
      `The data folder ${folder} is in use by ${who}. ` +
        "One process may use it: stop the other one or set DATA_DIR to another folder",
    );
    this.folder = folder;
    this.holder = holder;
  }
}

export type DataDirLock =
  | { readonly status: "held"; release(): void }
  /** Nothing can be written there now; to be tried again. */
  | { readonly status: "unwritable"; readonly reason: string };

/** Handles under lock: one that was collected as garbage would give its lock away. */
const held = new Set<DatabaseSync>();

/** A rival that is only writing its name has the lock for a moment: a later try tells. */
const tries = 10;
const retryMs = 50;

/**
 * Hold a data folder for this process until it ends, however it ends: the lock is the operating
 * system's, so a killed process leaves none behind. A SQLite file carries it, in rollback mode: the
 * RESERVED lock keeps other holders out, while they can still read who holds it.
 *
 * Nothing else in this process may open the file: closing any handle on it drops the lock (POSIX).
 *
 * @param file the lock file; it and its folder are made where they are missing
 * @throws DataDirInUse where another process holds it, or this one does already
 */
export async function holdDataDir(file: string): Promise<DataDirLock> {
  let db: DatabaseSync | undefined;
  try {
    mkdirSync(dirname(file), { recursive: true });
    db = new DatabaseSync(file);
    await lock(db, file);
  } catch (error) {
    db?.close();
    if (error instanceof DataDirInUse) throw error;
    return { status: "unwritable", reason: (error as Error).message };
  }
  const handle = db;
  held.add(handle);
  return {
    status: "held",
    release() {
      if (held.delete(handle)) handle.close();
    },
  };
}

async function lock(db: DatabaseSync, file: string): Promise<void> {
  const nonce = randomUUID();
  let rival: DataDirHolder | null = null;
  for (let tried = 0; tried < tries; tried += 1) {
    if (tried > 0) await delay(retryMs);
    try {
      db.exec("BEGIN IMMEDIATE");
      signIn(db, nonce);
      // Others can read only what is committed, and the commit gives the lock away: a rival may sign
      // in between. Who finds its own name under the lock is the holder.
      db.exec("COMMIT; BEGIN IMMEDIATE");
      if (holderOf(db)?.nonce === nonce) return;
      db.exec("ROLLBACK");
    } catch (error) {
      if (db.isTransaction) db.exec("ROLLBACK");
      if (!isBusy(error)) throw error;
      rival = rivalOf(db, nonce) ?? rival;
    }
  }
  throw new DataDirInUse(dirname(file), rival);
}

function signIn(db: DatabaseSync, nonce: string): void {
  db.exec(
    "CREATE TABLE IF NOT EXISTS holder (nonce TEXT, pid INTEGER, host TEXT, started_at INTEGER) STRICT",
  );
  db.exec("DELETE FROM holder");
  const insert = db.prepare("INSERT INTO holder VALUES (?, ?, ?, ?)");
  insert.run(nonce, process.pid, hostname(), Math.round(performance.timeOrigin));
}

function holderOf(db: DatabaseSync): (DataDirHolder & { readonly nonce: string }) | undefined {
  return db
    .prepare("SELECT nonce, pid, host, started_at AS startedAt FROM holder")
    .get() as ReturnType<typeof holderOf>;
}

/** Who else signed in last; `undefined` where it is this one, or where it cannot be read now. */
function rivalOf(db: DatabaseSync, nonce: string): DataDirHolder | undefined {
  try {
    const holder = holderOf(db);
    if (holder === undefined || holder.nonce === nonce) return undefined;
    return { pid: holder.pid, host: holder.host, startedAt: holder.startedAt };
  } catch {
    return undefined;
  }
}

/** SQLITE_BUSY, in any of its extended forms. */
function isBusy(error: unknown): boolean {
  return ((error as { errcode?: number }).errcode ?? 0) % 256 === 5;
}
