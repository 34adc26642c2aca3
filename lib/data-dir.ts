import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, statSync } from "node:fs";
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

/** The lock file says nothing any more: whether another process uses the folder is not known. */
export class DataDirLockDamaged extends Error {
  override readonly name = "DataDirLockDamaged";

  constructor(file: string, reason: string) {
    super(
      `The lock file ${file} is damaged (${reason}), so nothing tells whether another process uses the folder. ` +
        "Stop every process that does, remove the lock file, which holds nothing else, and start again",
    );
  }
}

export type DataDirLock =
  | {
      readonly status: "held";
      /** Whether the lock file was removed or replaced since: then the folder is free for another process. */
      isLost(): boolean;
      release(): void;
    }
  /** Nothing can be written there now; to be tried again. */
  | { readonly status: "unwritable"; readonly reason: string };

/** Handles under lock: one that was collected as garbage would give its lock away. */
const held = new Set<DatabaseSync>();

/** A rival that is only writing its name has the lock for a moment: a later try tells. */
const tries = 10;
const retryMs = 50;

/** How often a holder should ask `isLost`. */
export const watchMs = 1_000;
/** Time for the holder of a lock file that was removed to notice and to end. */
const graceMs = 2_500;

/**
 * Hold a data folder for this process until it ends, however it ends: the lock is the operating
 * system's, so a killed process leaves none behind. A SQLite file carries it, in rollback mode: the
 * RESERVED lock keeps other holders out, while they can still read who holds it.
 *
 * Nothing else in this process may open the file: closing any handle on it drops the lock (POSIX).
 *
 * @param file the lock file; it and its folder are made where they are missing
 * @param inUse whether the folder has files of a process before: where the lock file alone is missing, its holder
 * gets some seconds to notice
 * @throws DataDirInUse where another process holds it, or this one does already; DataDirLockDamaged
 */
export async function holdDataDir(file: string, inUse = false): Promise<DataDirLock> {
  let db: DatabaseSync | undefined;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const removed = inUse && !existsSync(file);
    db = new DatabaseSync(file);
    await lock(db, file);
    if (removed) await delay(graceMs);
  } catch (error) {
    db?.close();
    if (error instanceof DataDirInUse) throw error;
    if (isDamage(error)) throw new DataDirLockDamaged(file, (error as Error).message);
    return { status: "unwritable", reason: (error as Error).message };
  }
  const handle = db;
  const inode = statSync(file).ino;
  held.add(handle);
  return {
    status: "held",
    isLost: () => statSync(file, { throwIfNoEntry: false })?.ino !== inode,
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

/** SQLITE_CORRUPT or SQLITE_NOTADB. */
function isDamage(error: unknown): boolean {
  return [11, 26].includes(((error as { errcode?: number }).errcode ?? 0) % 256);
}

/** SQLITE_BUSY, in any of its extended forms. */
function isBusy(error: unknown): boolean {
  return ((error as { errcode?: number }).errcode ?? 0) % 256 === 5;
}
