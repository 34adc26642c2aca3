import type { Segment } from "../manifest.ts";

/** The source of segments' columns: the store, or a cache before it. */
export interface SegmentColumns {
  /**
   * The columns of these names, without those that the segment lacks. `undefined` where this
   * version of the segment does not exist any more.
   */
  fetch(segment: Segment, names: readonly string[]): Promise<FetchedColumns | undefined>;
}

export type FetchedColumns = ReadonlyMap<string, Uint8Array>;
