import { grainMs } from "../../counting/bucket.ts";
import type { Collections } from "./documents.ts";

/** The counter that holds the bound, in epoch milliseconds. */
const compactedUntil = "compactedUntil";

/** How long a process that stores relies on the bound that it has read. */
const knownForMs = 5_000;

/** How far ahead the bound is raised, so that it is raised once an hour. */
const aheadMs = grainMs.hour;

interface Bound {
  /** Epoch milliseconds. */
  readonly until: number;
  /** When it was read or raised, by `performance.now()`. */
  readonly at: number;
}

/**
 * The instant up to which batches were made that may be compacted, of all projects. A process that
 * compacts raises it first, and compacts up to it only once no process can rely on a lower bound.
 * So a batch that is compacted somewhere is known to be, whatever any clock says of its age.
 */
export class CompactionBound {
  readonly #heededAfterMs: number;
  #known: Bound | undefined;
  #raised: Bound | undefined;
  #heeded = -Infinity;

  /**
   * @param heededAfterMs the time after which every process that stores heeds a raised bound; twice
   * as long as a process relies on what it has read
   */
  constructor(heededAfterMs = 2 * knownForMs) {
    this.#heededAfterMs = heededAfterMs;
  }

  /**
   * The bound as a process that stores knows it, at most five seconds old. It must be called after
   * the deltas of a batch were inserted.
   */
  async current({ counters }: Pick<Collections, "counters">): Promise<number> {
    const at = performance.now();
    if (this.#known === undefined || at - this.#known.at >= knownForMs) {
      const until = (await counters.findOne({ _id: compactedUntil }))?.n ?? -Infinity;
      this.#known = { until, at };
    }
    return this.#known.until;
  }

  /**
   * Raises the bound where it is lower.
   * @returns the instant up to which compaction may go now: `madeUntil`, or less while the bound is
   * not heeded yet
   */
  async raise({ counters }: Pick<Collections, "counters">, madeUntil: number): Promise<number> {
    this.#heed();
    if (madeUntil > this.#heeded && this.#raised === undefined) {
      const raised = await counters.findOneAndUpdate(
        { _id: compactedUntil },
        { $max: { n: madeUntil + aheadMs } },
        { upsert: true, returnDocument: "after" },
      );
      this.#raised = { until: raised?.n ?? madeUntil + aheadMs, at: performance.now() };
      this.#heed();
    }
    return Math.min(madeUntil, this.#heeded);
  }

  #heed(): void {
    if (this.#raised === undefined) return;
    if (performance.now() - this.#raised.at < this.#heededAfterMs) return;
    this.#heeded = Math.max(this.#heeded, this.#raised.until);
    this.#raised = undefined;
  }
}
