import type { Middleware, ServiceBroker } from "moleculer";
import { randomUUID } from "node:crypto";
import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { type Config, touchesStore } from "../config.ts";
import { queueSchema, prepareFile } from "../queue/embedded/schema.ts";
import type { FolderPart } from "../sqlite/folder-part.ts";
import { NewerSchema } from "../sqlite/schema-steps.ts";
import { storeSchema, prepareStore } from "../store/sqlite/schema.ts";
import { openFolder, UnfitFolder, sealFolder } from "./data-folder.ts";

/** The process that holds a data folder. */
interface DataDirHolder {
  readonly pid: number;
  readonly host: string;
  /** Epoch milliseconds. */
  readonly startedAt: number;
}

/** Another process holds the folder, or this one does already. */
export class DataDirInUse extends Error {
  override readonly name = "DataDirInUse";
  readonly folder: string;
  /** The holder; `null` where it could not be read. */
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

/** The lock file is damaged, so it is unknown whether another process uses the folder. */
class DataDirLockDamaged extends Error {
  override readonly name = "DataDirLockDamaged";

  constructor(file: string, reason: string) {
    super(
      `The lock file ${file} is damaged (${reason}), so nothing tells whether another process uses the folder. ` +
        "Stop every process that does, remove the lock file, which holds nothing else, and start again",
    );
  }
}

type DataDirLock =
  | {
      readonly status: "held";
      /**
       * Whether the lock file was removed or replaced since: another process could then take the
       * folder. False where the disk does not tell just now. Never throws.
       */
      isLost(): boolean;
      release(): void;
    }
  /** The folder cannot be written now; try again later. */
  | { readonly status: "unwritable"; readonly reason: string };

/** The handles under lock: garbage collection of one would release its lock. */
const held = new Set<DatabaseSync>();

/** A rival that writes its name holds the lock for a moment, so a later try decides. */
const tries = 10;
const retryMs = 50;

/** How often a holder should call `isLost`. */
const watchMs = 1_000;

/** The time in which the holder of a removed lock file notices that and ends. */
const graceMs = 2_500;

/**
 * Holds a data folder for this process until it ends, however it ends: the lock is the operating
 * system's, so a killed process leaves none behind. A SQLite file in rollback mode carries it: the
 * RESERVED lock excludes other holders, while they can still read the holder's name.
 * No other code in this process may open the file: closing any handle on it drops the lock (POSIX).
 * @param file the lock file; it and its folder are created where they are missing
 * @param inUse whether the folder has files of an earlier process: if only the lock file is
 *   missing, its holder gets some seconds to notice
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
    isLost: () => isGone(file, inode),
    release() {
      if (held.delete(handle)) handle.close();
    },
  };
}

/** Whether a file is another one than before, or missing. One that cannot be looked at is not. */
function isGone(file: string, inode: number): boolean {
  try {
    return statSync(file, { throwIfNoEntry: false })?.ino !== inode;
  } catch {
    return false;
  }
}

async function lock(db: DatabaseSync, file: string): Promise<void> {
  const nonce = randomUUID();
  let rival: DataDirHolder | null = null;
  for (let tried = 0; tried < tries; tried += 1) {
    if (tried > 0) await delay(retryMs);
    try {
      db.exec("BEGIN IMMEDIATE");
      signIn(db, nonce);
      // Others can read only committed rows, and the commit releases the lock: a rival may sign in
      // between. The process that finds its own name under the lock is the holder.
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

/**
 * The rival that signed in last; `undefined` where this process did, or where it cannot be read
 * now.
 */
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

const retryWritableMs = 1000;
type Held = Extract<DataDirLock, { readonly status: "held" }>;

/**
 * Holds DATA_DIR while the broker runs, where an embedded part keeps files there, and checks that
 * the files belong together. A folder that another process holds, unfit files, or a lost lock file
 * end this process with a clear message. A folder that cannot be written now is tried again: the
 * service starts without it and answers 503 meanwhile.
 */
export function dataDirHolder(config: Config): Middleware {
  const parts = partsOf(config);
  let lock: Held | undefined;
  let opened = false;
  let ready = false;
  let trouble = false;
  let retry: NodeJS.Timeout | undefined;
  let watch: NodeJS.Timeout | undefined;

  /** @returns why the folder cannot be written now */
  async function hold(broker: ServiceBroker): Promise<string | undefined> {
    if (lock === undefined) {
      const taken = await holdDataDir(
        config.files.lock,
        parts.some(({ file }) => existsSync(file)),
      );
      if (taken.status === "unwritable") return taken.reason;
      lock = taken;
      watch = setInterval(() => {
        if (taken.isLost()) end(broker, `${config.files.lock} was removed or replaced: ${lost}`);
      }, watchMs).unref();
    }
    try {
      keepToOwner(config.dataDir);
      const { recordDamaged, accepted } = openFolder(config.dataDir, parts, !trouble);
      if (recordDamaged) broker.logger.warn("folder.json was damaged and is written anew");
      if (accepted) broker.logger.warn("the data folder was accepted as it is");
      opened = true;
      return undefined;
    } catch (error) {
      if (error instanceof UnfitFolder || error instanceof NewerSchema) throw error;
      return (error as Error).message;
    }
  }

  async function holdOrEnd(broker: ServiceBroker): Promise<void> {
    try {
      const reason = await hold(broker);
      if (reason === undefined) return;
      if (!trouble) {
        broker.logger.error(
          { reason },
          "DATA_DIR cannot be written; it is tried again every second",
        );
      }
      trouble = true;
      retry = setTimeout(() => void holdOrEnd(broker), retryWritableMs).unref();
    } catch (error) {
      if (!isFinal(error)) throw error;
      end(broker, error.message);
    }
  }

  return {
    name: "DataDirHolder",
    async starting(broker: ServiceBroker) {
      if (parts.length > 0) await holdOrEnd(broker);
    },
    async started() {
      ready = true;
    },
    async stopped(broker: ServiceBroker) {
      clearTimeout(retry);
      clearInterval(watch);
      if (lock === undefined) return;
      try {
        // A service that did not start in time may open a file after this, so its state is unknown.
        if (opened && ready && !lock.isLost()) sealFolder(config.dataDir, parts);
      } catch (error) {
        broker.logger.warn({ err: error }, "the data folder could not be sealed");
      }
      lock.release();
      await Promise.resolve();
    },
  };
}

const lost = "another process may use the folder now, so this one ends";
function isFinal(error: unknown): error is Error {
  return [DataDirInUse, DataDirLockDamaged, UnfitFolder, NewerSchema].some(
    (kind) => error instanceof kind,
  );
}

/**
 * Logs one message and ends the process: an orchestrator starts it again, and a person reads why.
 */
function end(broker: ServiceBroker, message: string): void {
  broker.fatal(message, undefined, true);
}

function partsOf({ rabbitmqUrl, mongodbUri, services, files }: Config): readonly FolderPart[] {
  const queue = { name: "queue", file: files.queue, steps: queueSchema, prepare: prepareFile };
  const store = { name: "store", file: files.store, steps: storeSchema, prepare: prepareStore };
  return [
    ...(rabbitmqUrl === null ? [queue as FolderPart] : []),
    ...(mongodbUri === null && services.some(touchesStore) ? [store as FolderPart] : []),
  ];
}

const ownFiles = /^(lock|queue|store)\.sqlite|^folder\.json/;

/**
 * Lets only the owner read events, addresses and users: folder 700, files 600, later files too.
 * Files of another owner are left alone (a volume's folder that Kubernetes gave to a group), and so
 * is a folder that everybody may write (`/tmp`).
 */
function keepToOwner(folder: string): void {
  process.umask(0o077);
  tighten(folder, 0o700);
  for (const name of readdirSync(folder)) {
    if (ownFiles.test(name)) tighten(join(folder, name), 0o600);
  }
}

function tighten(path: string, mode: number): void {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined || stat.isSymbolicLink()) return;
  const shared = (stat.mode & 0o1000) !== 0;
  const open = (stat.mode & 0o077) !== 0;
  if (open && !shared && stat.uid === process.getuid?.()) chmodSync(path, mode);
}
