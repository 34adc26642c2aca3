import { setImmediate as turn } from "node:timers/promises";
import type { FindCursor } from "mongodb";
import { meetsFilter, type EventFilter } from "../../../event/filter.ts";
import type { BatchId, StoredEvent } from "../../../event/event.ts";
import { rowReader, type Fold } from "../../../questions/fold.ts";
import { inOneAnswer, type Collections } from "../documents.ts";
import type { ServerLimits } from "../server-limits.ts";
import type { EventReader } from "./event-reader.ts";

/** The number of batches that are read at a time. */
const batchesAtOnce = 500;

const turnSize = 1_000;

export interface FoldLimits extends ServerLimits {
  /** Called regularly during the fold; throws to end the fold early. */
  readonly check: () => void;
}

/** A read that the server has begun to answer. */
interface BegunRead {
  readonly found: FindCursor<Uint8Array>;
  readonly ready: Promise<unknown>;
}

/**
 * Reads the events of batches one by one. The server can begin to read the first ones while columns
 * are folded.
 */
export class BatchReading {
  /** The events of the batches that were wanted under a key, by the key. Complete after `fold`. */
  readonly read = new Map<string, Uint8Array[]>();
  readonly #events: Collections["events"];
  readonly #filter: EventFilter;
  readonly #limits: FoldLimits;
  readonly #reader: EventReader;
  readonly #batches: BatchId[] = [];
  readonly #readOf = new Map<BatchId, Uint8Array[]>();
  #begun: BegunRead | undefined;

  /** @param reader reads what the question reads; whole events where some are wanted under a key */
  constructor(
    { events }: Collections,
    filter: EventFilter,
    limits: FoldLimits,
    reader: EventReader,
  ) {
    this.#events = events;
    this.#filter = filter;
    this.#limits = limits;
    this.#reader = reader;
  }

  want(batches: readonly BatchId[], key?: string): void {
    this.#batches.push(...batches);
    if (key === undefined) return;
    const read: Uint8Array[] = [];
    this.read.set(key, read);
    for (const batch of batches) this.#readOf.set(batch, read);
  }

  /** Begins to read what is wanted. */
  begin(): void {
    if (this.#begun !== undefined || this.#batches.length === 0) return;
    const some = this.#batches.splice(0, batchesAtOnce);
    const { check: _, ...limits } = this.#limits;
    const found = this.#events
      .find(
        { project: this.#filter.project, batch: { $in: some } },
        { ...limits, ...inOneAnswer, raw: true },
      )
      .project<Uint8Array>(this.#reader.fields);
    const ready = found.hasNext();
    // Whoever folds the events gets the error.
    ready.catch(() => undefined);
    this.#begun = { found, ready };
  }

  /** Folds the events of all batches. @returns the number of events that met the filter */
  async fold(fold: Fold<unknown>): Promise<number> {
    const rowOf = rowReader(fold.columns, this.#reader.user);
    let count = 0;
    for (this.begin(); this.#begun !== undefined; this.begin()) {
      const { found, ready } = this.#begun;
      await ready;
      for await (const first of found) {
        for (const bytes of [first, ...found.readBufferedDocuments(turnSize)]) {
          const event = this.#reader.read(bytes);
          if (event.batch !== undefined) this.#readOf.get(event.batch)?.push(bytes);
          // A part has whatever the filter reads.
          if (!meetsFilter(event as StoredEvent, this.#filter)) continue;
          fold.add(rowOf(event));
          count += 1;
        }
        this.#limits.check();
        await turn();
      }
      this.#begun = undefined;
    }
    return count;
  }

  async close(): Promise<void> {
    if (this.#begun === undefined) return;
    await Promise.allSettled([this.#begun.ready]);
    await this.#begun.found.close();
  }
}
