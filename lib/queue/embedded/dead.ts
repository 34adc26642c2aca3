import type { DatabaseSync, StatementSync } from "node:sqlite";
import { listBytes, type DeadLetter } from "../queue.ts";

interface DeadRow {
  readonly id: number;
  readonly received_at: number;
  readonly attempts: number;
  readonly died_at: number;
  readonly reason: string;
  readonly body: Uint8Array<ArrayBuffer>;
}

/**
 * The table of messages that failed for good. Synchronous; throws SQLite's errors; the caller
 * commits.
 */
export class DeadTable {
  readonly #insert: StatementSync;
  readonly #oldest: StatementSync;
  readonly #byId: StatementSync;
  readonly #same: StatementSync;
  readonly #delete: StatementSync;
  readonly #replace: StatementSync;
  readonly #bury: StatementSync;
  readonly #counters: Counters;
  readonly #db: DatabaseSync;

  constructor(db: DatabaseSync, counters: Counters) {
    this.#counters = counters;
    this.#db = db;
    const columns = "SELECT id, received_at, attempts, died_at, reason, body FROM dead";
    this.#insert = db.prepare("INSERT INTO dead VALUES (NULL, ?, 0, ?, ?, ?)");
    this.#oldest = db.prepare(`${columns} WHERE id > ? ORDER BY id LIMIT ?`);
    this.#byId = db.prepare(`${columns} WHERE id = ?`);
    this.#same = db.prepare("SELECT 1 FROM dead WHERE received_at = ? AND body = ?");
    this.#delete = db.prepare("DELETE FROM dead WHERE id = ?");
    this.#replace = db.prepare("UPDATE dead SET body = ? WHERE id = ? AND body = ?");
    this.#bury = db.prepare(
      `INSERT INTO dead (received_at, attempts, died_at, reason, body)
         SELECT received_at, attempt, ?, ?, body FROM messages WHERE id = ?`,
    );
  }

  /** Keeps a message that was never delivered. */
  put(body: Uint8Array, receivedAt: number, diedAt: number, reason: string): void {
    this.#insert.run(receivedAt, diedAt, reason, body);
    this.#counters.dead += 1;
  }

  /** Whether a letter has this message. Reads all letters. */
  has(body: Uint8Array, receivedAt: number): boolean {
    return this.#same.get(receivedAt, body) !== undefined;
  }

  /** Copies a message here; the caller takes it off the queue. */
  bury(id: number, diedAt: number, reason: string): void {
    if (this.#bury.run(diedAt, reason, id).changes > 0) this.#counters.dead += 1;
  }

  /** Lists the oldest first, of those behind an id, up to `listBytes`. */
  list(limit: number, after: string): DeadLetter[] {
    const letters: DeadLetter[] = [];
    let bytes = 0;
    for (const row of this.#oldest.iterate(rowId(after), limit) as Iterable<DeadRow>) {
      bytes += row.body.byteLength;
      if (letters.length > 0 && bytes > listBytes) break;
      letters.push(letter(row));
    }
    return letters;
  }

  find(id: string): DeadLetter | undefined {
    const row = this.#byId.get(rowId(id)) as DeadRow | undefined;
    return row === undefined ? undefined : letter(row);
  }

  remove(id: string): boolean {
    const removed = this.#overwriting(() => this.#delete.run(rowId(id)).changes > 0);
    if (removed) this.#counters.dead -= 1;
    return removed;
  }

  replace(id: string, body: Uint8Array, before: Uint8Array): boolean {
    return this.#overwriting(() => this.#replace.run(body, rowId(id), before).changes > 0);
  }

  /** What is removed meanwhile is overwritten in the file, and its space not only released. */
  #overwriting<T>(work: () => T): T {
    this.#db.exec("PRAGMA secure_delete = ON");
    try {
      return work();
    } finally {
      this.#db.exec("PRAGMA secure_delete = FAST");
    }
  }
}

/** The row of an id; 0, which no row has, for a text that is not one of our ids. */
function rowId(id: string): number {
  return /^[1-9]\d{0,14}$/.test(id) ? Number(id) : 0;
}

function letter(row: DeadRow): DeadLetter {
  return {
    id: String(row.id),
    reason: row.reason,
    attempts: row.attempts,
    diedAt: row.died_at,
    receivedAt: row.received_at,
    body: row.body,
  };
}

export interface Counters {
  messages: number;
  bodyBytes: number;
  dead: number;
}
