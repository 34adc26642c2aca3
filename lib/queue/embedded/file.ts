import { mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { emptyLog } from "../../sqlite/empty-log.ts";
import { countOpening } from "../../sqlite/opened.ts";
import { mostDelayed } from "../queue.ts";
import { DeadTable, type Counters } from "./dead.ts";
import { prepareFile, queueSchema } from "./schema.ts";

/**
 * What one message adds to `sizeBytes` besides its body: its row, its index entries, its share of a
 * page.
 */
export const overheadBytes = 64;

/** Free space of this size is given back to the disk, nearly all of it. */
const shrinkFromBytes = 32 * 1024 * 1024;
const shrinkToBytes = 1024 * 1024;
/** Longer than the outcomes of messages take that are being handled. */
const emptyingMs = 60_000;
const pagesPerStep = 256;

/** How long a write waits for another process that holds the file for a moment. */
const busyMs = 250;

export interface MessageRow {
  readonly id: number;
  readonly received_at: number;
  readonly attempt: number;
  readonly body: Uint8Array<ArrayBuffer>;
}

type DueTime = Pick<MessageRow, "received_at"> & { readonly due_at: number | null };

/** Ids of messages, both ends included. */
export interface IdRange {
  readonly from: number;
  readonly to: number;
}

/** The position after the last due message that was found. */
interface DuePosition {
  readonly dueAt: number;
  readonly id: number;
}

/**
 * The queue's tables. Synchronous: only for a thread that may wait for a disk. A commit that
 * returned survives a power cut (WAL, `synchronous=FULL`).
 * Every method may throw SQLite's error; `transaction` then restores the file and the counters.
 */
export class QueueFile {
  readonly db: DatabaseSync;
  /** The largest message id at the time of opening, 0 where there was none. */
  readonly lastId: number;
  /**
   * Updated by the callers that add and remove rows; `transaction` restores them where it fails.
   */
  readonly counters: Counters;
  readonly dead: DeadTable;
  readonly #path: string;
  readonly #inode: number;
  readonly #insert: StatementSync;
  readonly #delete: StatementSync;
  readonly #deleteBetween: StatementSync;
  readonly #countBetween: StatementSync;
  readonly #delay: StatementSync;
  readonly #dueAfter: StatementSync;
  readonly #bringForward: StatementSync;
  readonly #byId: StatementSync;
  readonly #after: StatementSync;
  readonly #due: StatementSync;
  readonly #nextDue: StatementSync;
  readonly #oldest: StatementSync;
  readonly #ids: StatementSync;
  readonly #byAge: StatementSync;
  #shrinking = false;
  /** Until then no free space is kept, by `performance.now`. */
  #emptyUntil = 0;
  /** Nor while messages up to this id wait. */
  #emptyThrough = 0;

  /**
   * Opens the file; it and its folder are created where they are missing.
   * @throws NewerSchema, or the error of the file system or of SQLite
   */
  constructor(path: string) {
    mkdirSync(dirname(path), { recursive: true });
    this.#path = path;
    countOpening(path);
    this.db = new DatabaseSync(path, { timeout: busyMs });
    try {
      prepareFile(this.db, path);
      this.#inode = statSync(path).ino;
      const sql = (text: string) => this.db.prepare(text);
      const found = sql(
        `SELECT count(*) AS messages, total(size) AS bytes,
           (SELECT max(id) FROM messages) AS last, (SELECT count(*) FROM dead) AS dead
         FROM messages`,
      ).get() as unknown as { messages: number; bytes: number; dead: number; last: number | null };
      this.lastId = found.last ?? 0;
      this.counters = { messages: found.messages, bodyBytes: found.bytes, dead: found.dead };
      this.#insert = sql("INSERT INTO messages VALUES (?, ?, ?, 1, NULL, ?)");
      this.#delete = sql("DELETE FROM messages WHERE id = ?");
      this.#deleteBetween = sql("DELETE FROM messages WHERE id BETWEEN ? AND ?");
      this.#countBetween = sql(
        "SELECT count(*) AS messages, total(size) AS bytes FROM messages WHERE id BETWEEN ? AND ?",
      );
      this.#dueAfter = sql(
        "SELECT 1 FROM messages INDEXED BY messages_by_due WHERE due_at > ? LIMIT 1",
      );
      this.#bringForward = sql("UPDATE messages SET due_at = ? WHERE due_at > ?");
      this.#delay = sql("UPDATE messages SET attempt = ?, due_at = ? WHERE id = ?");
      const columns = "SELECT id, received_at, attempt, body FROM messages";
      this.#byId = sql(`${columns} WHERE id = ?`);
      this.#after = sql(`${columns} WHERE id > ? AND due_at IS NULL ORDER BY id LIMIT ?`);
      this.#due = sql(
        `SELECT id, received_at, attempt, body, due_at FROM messages INDEXED BY messages_by_due
           WHERE (due_at, id) > (?, ?) AND due_at <= ? ORDER BY due_at, id LIMIT ?`,
      );
      this.#nextDue = sql(
        `SELECT due_at FROM messages INDEXED BY messages_by_due
           WHERE (due_at, id) > (?, ?) AND due_at IS NOT NULL ORDER BY due_at, id LIMIT 1`,
      );
      this.#oldest = sql("SELECT min(received_at) AS oldest FROM messages");
      // SQLite seeks for a single one alone.
      this.#ids = sql(
        "SELECT (SELECT min(id) FROM messages) AS first, (SELECT max(id) FROM messages) AS last",
      );
      this.#byAge = sql(
        "SELECT received_at, due_at FROM messages INDEXED BY messages_by_age ORDER BY received_at LIMIT ?",
      );
      this.dead = new DeadTable(this.db, this.counters);
    } catch (error) {
      this.db.close();
      throw error;
    }
  }

  /** The bodies of all messages not yet acknowledged, with their overhead. */
  get sizeBytes(): number {
    return this.counters.bodyBytes + this.counters.messages * overheadBytes;
  }

  /**
   * Commits the changes of `work` or, where it throws, none of them.
   * @throws DoubtfulCommit where the outcome is unknown
   */
  transaction<T>(work: () => T): T {
    // Another program can unlink an open file; commits would then succeed and be lost with the last
    // handle.
    if (statSync(this.#path, { throwIfNoEntry: false })?.ino !== this.#inode) {
      throw new Error(`${this.#path} was removed or replaced`);
    }
    const before = { ...this.counters };
    let committing = false;
    try {
      this.db.exec("BEGIN IMMEDIATE");
      const result = work();
      committing = true;
      this.db.exec("COMMIT");
      return result;
    } catch (error) {
      Object.assign(this.counters, before);
      // Where only the sync failed the log holds the whole commit, and the next opening reads it.
      if (committing && !isTransient(error)) throw new DoubtfulCommit(error);
      if (this.db.isTransaction) this.db.exec("ROLLBACK");
      throw error;
    }
  }

  /**
   * Bounds delays that were written while the clock was ahead: they end no later than if they began
   * now.
   */
  boundDelays(now: number, delaysMs: readonly number[]): void {
    const longest = now + Math.max(0, ...delaysMs);
    if (this.#dueAfter.get(longest) === undefined) return;
    this.transaction(() => this.#bringForward.run(longest, longest));
  }

  /** Removes messages that were refused, where the file has them. */
  removeRefused(ranges: readonly IdRange[]): void {
    if (ranges.length === 0) return;
    this.transaction(() => {
      for (const { from, to } of ranges) {
        const [messages, bytes] = this.#between(from, to);
        if (messages === 0) continue;
        this.#deleteBetween.run(from, to);
        this.counters.messages -= messages;
        this.counters.bodyBytes -= bytes;
      }
    });
  }

  #between(from: number, to: number): readonly [messages: number, bytes: number] {
    const { messages, bytes } = this.#countBetween.get(from, to) as never;
    return [messages, bytes];
  }

  insert(id: number, receivedAt: number, body: Uint8Array): void {
    this.#insert.run(id, receivedAt, body.byteLength, body);
    this.counters.messages += 1;
    this.counters.bodyBytes += body.byteLength;
  }

  remove(id: number, bodyBytes: number): void {
    if (this.#delete.run(id).changes === 0) return;
    this.counters.messages -= 1;
    this.counters.bodyBytes -= bodyBytes;
  }

  /** Delays a message until `dueAt`, for its next attempt. */
  delay(id: number, attempt: number, dueAt: number): void {
    this.#delay.run(attempt, dueAt, id);
  }

  find(id: number): MessageRow | undefined {
    return this.#byId.get(id) as MessageRow | undefined;
  }

  /** Messages without a delay and with a larger id, by id. */
  after(id: number, limit: number): Iterable<MessageRow> {
    return this.#after.iterate(id, limit) as never;
  }

  /** Delayed messages past the position that are due, by their time. */
  due(
    past: DuePosition,
    now: number,
    limit: number,
  ): Iterable<MessageRow & { readonly due_at: number }> {
    return this.#due.iterate(past.dueAt, past.id, now, limit) as never;
  }

  nextDueAt(past: DuePosition): number | null {
    const row = this.#nextDue.get(past.dueAt, past.id) as { due_at: number } | undefined;
    return row?.due_at ?? null;
  }

  oldestReceivedAt(): number | null {
    return (this.#oldest.get() as { oldest: number | null }).oldest;
  }

  /** `QueueDepth.dueSince` at an instant by `steadyNow`. */
  dueSince(now: number): number | null {
    const found: DueTime[] = [];
    for (const row of this.#byAge.iterate(mostDelayed + 1) as Iterable<DueTime>) {
      found.push(row);
      // Those received after a message without a delay are due after it.
      if (row.due_at === null) break;
    }
    const due = found
      .filter(({ due_at: dueAt }) => dueAt === null || dueAt <= now)
      .map(({ received_at: receivedAt, due_at: dueAt }) => Math.max(receivedAt, dueAt ?? 0));
    if (due.length > 0) return Math.min(...due);
    return found.length > mostDelayed ? found[0]!.received_at : null;
  }

  /**
   * Gives a piece of the file's free space back to the disk, a few ms of work: where a backlog has
   * left much of it, or where there is `need`.
   * @returns whether there is more
   */
  shrink(need: boolean): boolean {
    const freeBytes = this.#pragma("freelist_count") * this.#pragma("page_size");
    this.#awaitEarlier();
    const isEmptying = performance.now() < this.#emptyUntil;
    const wasShrinking = this.#shrinking;
    const kept = wasShrinking || need ? shrinkToBytes : shrinkFromBytes;
    this.#shrinking = freeBytes > (isEmptying ? 0 : kept);
    if (!this.#shrinking) {
      if (isEmptying && wasShrinking && !emptyLog(this.db, 0, busyMs)) {
        this.#shrinking = true;
        this.#emptyUntil = performance.now() + emptyingMs;
      }
      return false;
    }
    this.db.exec(`PRAGMA incremental_vacuum(${pagesPerStep})`);
    // The file is truncated when the log is written back.
    this.db.exec("PRAGMA wal_checkpoint(PASSIVE)");
    return true;
  }

  /**
   * From now on, until a minute after all messages of now are removed, `shrink` gives all free space
   * back and empties the log, which another process may keep it from doing for a while: both hold
   * what was removed before, until it is written over.
   */
  giveAllBack(): void {
    this.#emptyUntil = performance.now() + emptyingMs;
    this.#emptyThrough = this.#idsOf().last ?? 0;
    this.#shrinking = true;
  }

  /** Has no free space kept until a minute after the messages of `giveAllBack` are removed. */
  #awaitEarlier(): void {
    if (this.#emptyThrough === 0) return;
    this.#emptyUntil = performance.now() + emptyingMs;
    const { first } = this.#idsOf();
    if (first !== null && first <= this.#emptyThrough) return;
    this.#emptyThrough = 0;
    // Small messages share their pages with others: none need be free, and the log has them all.
    this.#shrinking = true;
  }

  /** The ids of the oldest and the newest message. */
  #idsOf(): { readonly first: number | null; readonly last: number | null } {
    return this.#ids.get() as never;
  }

  /** Writes the log back into the file, syncs that, and empties the log. */
  checkpoint(): void {
    this.db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  }

  /** Commits a transaction that changes nothing. */
  probe(): void {
    this.transaction(() => this.db.exec(`PRAGMA user_version = ${queueSchema.length}`));
  }

  close(): void {
    this.db.close();
  }

  #pragma(name: string): number {
    return Number(Object.values(this.db.prepare(`PRAGMA ${name}`).get() ?? {})[0]);
  }
}

/** A commit failed in such a way that the reopened file may still hold it. */
export class DoubtfulCommit extends Error {
  override readonly name = "DoubtfulCommit";

  constructor(cause: unknown) {
    super((cause as Error).message, { cause });
  }
}

/**
 * Whether an error means lack of space, or another process at the file: the file is sound and need
 * not be reopened.
 */
export function isTransient(error: unknown): boolean {
  const { errcode = 0, code } = error as { errcode?: number; code?: string };
  return [5, 6, 13].includes(errcode % 256) || code === "ENOSPC" || code === "EDQUOT";
}
