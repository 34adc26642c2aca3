import type { BatchId, ProjectId } from "../event/event.ts";
import type { Range } from "../event/filter.ts";

/**
 * Compaction of deltas. Batches older than a day are hardly ever delivered again, so their deltas
 * in a minute are replaced by one sum. A batch's age follows from its id (docs/protocol.md).
 */
export interface Compacting {
  /**
   * Replaces deltas by their sum, in up to `limit` minutes of a range that have several deltas of
   * batches made until `madeUntil`. The results of `sumDeltas` do not change. If such a batch is
   * delivered later with events that were not stored, `putDeltas` counts its minutes anew.
   */
  compact(project: ProjectId, range: Range, madeUntil: number, limit: number): Promise<Compacted>;
}

export interface Compacted {
  /** How many deltas are gone. */
  readonly deltas: number;
  /** The minute to go on with; absent where nothing is left in the range. */
  readonly next?: number;
}

const version7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7/;

/**
 * The instant at which a batch was made, from its id, a UUID of version 7; `Infinity` for any other
 * id.
 */
export function madeAt(batch: BatchId): number {
  if (!version7.test(batch)) return Infinity;
  return parseInt(batch.slice(0, 8) + batch.slice(9, 13), 16);
}
