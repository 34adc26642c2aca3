import type { Segment } from "../manifest.ts";

/** A source of segments' columns: the store, or a cache in front of the store. */
export interface SegmentColumns {
  /**
   * Fetches columns by their names, without those that the segment lacks.
   * @returns `undefined` where this version of the segment does not exist any more
   */
  fetch(segment: Segment, names: readonly string[]): Promise<FetchedColumns | undefined>;
}

/** Identifies a column of one version of a segment. The bytes under a key never change. */
export interface ColumnKey {
  readonly id: string;
  readonly version: string;
  readonly column: string;
}

export type FetchedColumns = ReadonlyMap<string, Uint8Array>;
