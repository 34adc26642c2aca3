import type { ProjectId } from "../event/event.ts";
import type { Range } from "../event/filter.ts";

/**
 * Compaction of deltas. Batches older than a day are hardly ever delivered again, so their deltas
 * in a minute are replaced by one sum. A batch's age follows from its id (docs/protocol.md).
 */
export interface Compacting {
  /**
   * Replaces deltas by their sum, in up to `limit` minutes of a range that have several deltas of
   * batches made until `madeUntil`; a later call may take what is left. The results of `sumDeltas` do
   * not change. If such a batch is delivered later with events that were not stored, `putDeltas`
   * counts its minutes anew.
   */
  compact(project: ProjectId, range: Range, madeUntil: number, limit: number): Promise<Compacted>;
}

export interface Compacted {
  /** How many deltas are gone. */
  readonly deltas: number;
  /** The minute to go on with; absent where nothing is left in the range. */
  readonly next?: number;
}
