import type { BatchId, ProjectId } from "../event/event.ts";
import type { Range } from "../event/filter.ts";

/**
 * Deltas of batches that come no more, but for what takes days: a minute's are replaced by their
 * sum, and their batches are known by when they were made (docs/protocol.md).
 */
export interface Compacting {
  /**
   * Put the sum of deltas in their place, of batches made up to an instant, in minutes of a range
   * that have several: of so many minutes at most. What `sumDeltas` answers does not change. Where
   * such a batch comes all the same, with its events, `putDeltas` counts its minute anew.
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

/** When a batch got its id, by whoever made it: a UUID of version 7. Never, of any other id. */
export function madeAt(batch: BatchId): number {
  if (!version7.test(batch)) return Infinity;
  return parseInt(batch.slice(0, 8) + batch.slice(9, 13), 16);
}
