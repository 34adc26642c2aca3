import {
  type MessageRow,
  type QueueFile,
  type IdRange,
  DoubtfulCommit,
  overheadBytes,
} from "./file.ts";
import { monotonicMs } from "./outbox.ts";
import type { PushedDelivery, Publishes, Refusal } from "./protocol.ts";

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

  /** Writes messages, within the caller's transaction. */
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

  /**
   * Notes that a transaction failed. It had written all messages from `from` on; these are refused.
   */
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

/** A message that was delivered to the event loop, without its body. */
export interface Handed {
  readonly id: number;
  readonly bodyBytes: number;
  readonly receivedAt: number;
  readonly attempt: number;
  readonly redelivered: boolean;
}

/**
 * The most bytes of bodies that are kept after publishing, so that a consumer that keeps pace
 * causes no reads.
 */
const recentBytesMax = 2 * 1024 * 1024;
const recentMax = 1_000;

/**
 * Decides which message is delivered next: those that were given back, then those whose delay is
 * over, then all others by id. It holds a bounded number of bodies and ids, whatever the backlog.
 */
export class Feed {
  /** Messages that were given back, by id. */
  readonly #returned: Handed[] = [];
  /**
   * New messages that the feed still holds in memory. The other new messages have ids above the
   * cursor and are in the file.
   */
  readonly #recent: PushedDelivery[] = [];
  #recentBytes = 0;
  /** Every message up to this id was delivered, is delayed, or is in `#recent`. */
  #cursor = 0;
  /** Whether no new message lies past the cursor. */
  #caughtUp = false;
  #due = { dueAt: -1, id: 0 };
  /** An earlier process may have delivered messages up to this id. */
  readonly #olderUpTo: number;

  constructor(olderUpTo: number) {
    this.#olderUpTo = olderUpTo;
  }

  /** Notes a new message that was committed. Ids ascend. The feed keeps a copy of `body`. */
  published(id: number, receivedAt: number, body: Uint8Array<ArrayBuffer>): void {
    const fits =
      this.#recent.length < recentMax && this.#recentBytes + body.byteLength <= recentBytesMax;
    if (!this.#caughtUp || !fits) {
      this.#caughtUp = false;
      return;
    }
    this.#recent.push({ id, body: body.slice(), receivedAt, attempt: 1, redelivered: false });
    this.#recentBytes += body.byteLength;
    this.#cursor = id;
  }

  /**
   * Notes that the file was reopened: it may hold messages for which `published` was not called.
   */
  lookAgain(): void {
    this.#caughtUp = false;
  }

  /** Takes back a delivered message; it is the next one again. */
  giveBack(message: Handed): void {
    const at = this.#returned.findIndex((other) => other.id > message.id);
    this.#returned.splice(at === -1 ? this.#returned.length : at, 0, message);
  }

  /**
   * Messages to deliver, as many as there is room for; `now` by `steadyNow`. Their bodies own their
   * memory, so that it can be transferred.
   */
  take(file: QueueFile, room: Room, now: number): readonly PushedDelivery[] {
    const taken = new Taken(room);
    try {
      this.#takeReturned(file, taken);
      if (taken.messagesLeft > 0) this.#takeDue(file, now, taken);
      this.#takeRecent(taken);
      if (taken.messagesLeft > 0 && !this.#caughtUp) this.#takeStored(file, taken);
    } catch (error) {
      // The messages taken so far have left the feed, so they must be delivered now.
      if (taken.deliveries.length === 0) throw error;
    }
    return taken.deliveries;
  }

  /** When the next delayed message is due, by `steadyNow`; `null` where none is delayed. */
  nextDueAt(file: QueueFile): number | null {
    return file.nextDueAt(this.#due);
  }

  #takeReturned(file: QueueFile, taken: Taken): void {
    for (let next = this.#returned[0]; next && taken.messagesLeft > 0; next = this.#returned[0]) {
      const row = file.find(next.id);
      this.#returned.shift();
      if (row !== undefined) taken.add({ ...next, body: row.body });
    }
  }

  #takeDue(file: QueueFile, now: number, taken: Taken): void {
    for (const row of file.due(this.#due, now, taken.messagesLeft)) {
      this.#due = { dueAt: row.due_at, id: row.id };
      taken.add(this.#fromRow(row));
      if (taken.messagesLeft === 0) return;
    }
  }

  #takeRecent(taken: Taken): void {
    for (let next = this.#recent[0]; next && taken.messagesLeft > 0; next = this.#recent[0]) {
      this.#recent.shift();
      this.#recentBytes -= next.body.byteLength;
      taken.add(next);
    }
  }

  #takeStored(file: QueueFile, taken: Taken): void {
    for (const row of file.after(this.#cursor, taken.messagesLeft)) {
      this.#cursor = row.id;
      taken.add(this.#fromRow(row));
      if (taken.messagesLeft === 0) return;
    }
    this.#caughtUp = true;
  }

  #fromRow(row: MessageRow): PushedDelivery {
    return {
      id: row.id,
      body: row.body,
      receivedAt: row.received_at,
      attempt: row.attempt,
      redelivered: row.attempt > 1 || row.id <= this.#olderUpTo,
    };
  }
}

/** How much may be delivered. The last message may exceed the bytes. */
interface Room {
  readonly messages: number;
  readonly bytes: number;
}

/** Deliveries that are being gathered, and what there is room for besides. */
class Taken {
  readonly deliveries: PushedDelivery[] = [];
  readonly #room: Room;
  #bytes = 0;

  constructor(room: Room) {
    this.#room = room;
  }

  get messagesLeft(): number {
    return this.#bytes < this.#room.bytes ? this.#room.messages - this.deliveries.length : 0;
  }

  add(delivery: PushedDelivery): void {
    this.deliveries.push(delivery);
    this.#bytes += delivery.body.byteLength;
  }
}

/** Epoch milliseconds that never run backwards: a change of the clock must not prolong a delay. */
export function steadyNow(): number {
  return Math.floor(performance.timeOrigin + performance.now());
}
