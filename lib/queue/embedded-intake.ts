import type { Feed } from "./embedded-feed.ts";
import type { QueueFile } from "./embedded-file.ts";
import { overheadBytes, type Publishes } from "./embedded-protocol.ts";

interface Kept {
  readonly id: number;
  readonly receivedAt: number;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** What became of a group: written but not yet committed, and too much for the bound. */
export interface Inserted {
  readonly kept: readonly Kept[];
  /** Indexes of the publishes that the bound refused. */
  readonly full: readonly number[];
}

/** Gives new messages their ids and watches the bound. */
export class Intake {
  readonly #maxBytes: number;
  #nextId = 1;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Ids are never used again while the process lives: a late outcome must not meet another message. */
  skipTo(lastId: number): void {
    this.#nextId = Math.max(this.#nextId, lastId + 1);
  }

  /** Write messages, within the caller's transaction. Where that fails, nothing has happened here. */
  insert(file: QueueFile, groups: readonly Publishes[]): Inserted {
    const kept: Kept[] = [];
    const full: number[] = [];
    let index = 0;
    for (const { bytes, sizes, receivedAts } of groups) {
      let offset = 0;
      for (const [at, size] of sizes.entries()) {
        const body = bytes.subarray(offset, offset + size);
        offset += size;
        if (file.sizeBytes + size + overheadBytes > this.#maxBytes) {
          full.push(index);
        } else {
          const receivedAt = receivedAts[at] as number;
          const id = this.#nextId + kept.length;
          file.insert(id, receivedAt, body);
          kept.push({ id, receivedAt, body });
        }
        index += 1;
      }
    }
    return { kept, full };
  }

  /** The transaction of `insert` was committed. */
  committed({ kept }: Inserted, feed: Feed): void {
    this.#nextId += kept.length;
    for (const { id, receivedAt, body } of kept) feed.published(id, receivedAt, body);
  }
}
