import type { Feed } from "./feed.ts";
import { type IdRange, type QueueFile, DoubtfulCommit } from "./file.ts";
import { monotonicMs, overheadBytes, type Publishes, type Refusal } from "./protocol.ts";

interface KeptMessage {
  readonly id: number;
  readonly receivedAt: number;
  readonly body: Uint8Array<ArrayBuffer>;
}

/**
 * The result of a group: messages that are written but not yet committed, and those that were not
 * written.
 */
export interface Inserted {
  readonly kept: readonly KeptMessage[];
  /** Indexes of the publishes that the bound refused. */
  readonly full: readonly number[];
  /** Indexes of publishes whose time limit was over. */
  readonly late: readonly number[];
}

/** Gives new messages their ids and watches the bound. */
export class Intake {
  readonly #maxBytes: number;
  #nextId = 1;
  /** Ids of messages that were refused though the log may hold them. */
  #refused: readonly IdRange[] = [];

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The messages to remove when the file is reopened, so that refused ones stay refused. */
  get refused(): readonly IdRange[] {
    return this.#refused;
  }

  /** Ids are never reused while the process lives: a late outcome must not meet another message. */
  skipTo(lastId: number): void {
    this.#nextId = Math.max(this.#nextId, lastId + 1);
  }

  /** Write messages, within the caller's transaction. */
  insert(file: QueueFile, groups: readonly Publishes[]): Inserted {
    const now = monotonicMs();
    const kept: KeptMessage[] = [];
    const full: number[] = [];
    const late: number[] = [];
    let index = 0;
    for (const { bytes, sizes, receivedAts, until } of groups) {
      let offset = 0;
      for (const [at, size] of sizes.entries()) {
        const body = bytes.subarray(offset, offset + size);
        offset += size;
        if (until <= now) {
          late.push(index);
        } else if (file.sizeBytes + size + overheadBytes > this.#maxBytes) {
          full.push(index);
        } else {
          const receivedAt = receivedAts[at] as number;
          const id = this.#nextId;
          this.#nextId += 1;
          file.insert(id, receivedAt, body);
          kept.push({ id, receivedAt, body });
        }
        index += 1;
      }
    }
    return { kept, full, late };
  }

  /**
   * Notes that the transaction of `insert` was committed; so none of the failed ones before left
   * anything.
   */
  committed({ kept }: Inserted, feed: Feed): void {
    this.#refused = [];
    for (const { id, receivedAt, body } of kept) feed.published(id, receivedAt, body);
  }

  /** Notes that the transaction failed which wrote all messages from an id on; they are refused. */
  failed(from: number): void {
    if (from < this.#nextId) this.#refused = [...this.#refused, { from, to: this.#nextId - 1 }];
  }

  get nextId(): number {
    return this.#nextId;
  }
}

/** Nothing of a transaction was kept or, where its commit is in doubt, nobody knows. */
export interface Unwritten {
  readonly reason: "QUEUE_UNAVAILABLE" | "OUTCOME_UNKNOWN";
}

export const unwritten: Unwritten = { reason: "QUEUE_UNAVAILABLE" };

export function failureOf(error: unknown): Unwritten {
  return error instanceof DoubtfulCommit ? { reason: "OUTCOME_UNKNOWN" } : unwritten;
}

export function isWritten(written: Inserted | Unwritten): written is Inserted {
  return "kept" in written;
}

export function refusalsOf(written: Inserted | Unwritten, published: number): readonly Refusal[] {
  if (!isWritten(written)) {
    return [{ type: written.reason, indexes: [...Array(published).keys()] }];
  }
  const refusals: readonly Refusal[] = [
    { type: "QUEUE_FULL", indexes: written.full },
    { type: "QUEUE_UNAVAILABLE", indexes: written.late },
  ];
  return refusals.filter(({ indexes }) => indexes.length > 0);
}
