import type { ProjectId } from "../../event/event.ts";

/**
 * The columns of some batches' events of one project, as a manifest lists them. The content of an
 * id and a version never changes.
 */
export interface Segment {
  readonly id: string;
  /**
   * Changes whenever events of the segment are erased, since the columns are then written again.
   */
  readonly version: string;
  readonly project: ProjectId;
  readonly rows: number;
  /** Whether every property has a column (`WrittenColumns`). */
  readonly complete: boolean;
  /** All its events lie between these two instants, both included. */
  readonly oldest: number;
  readonly newest: number;
  /** The size of all its columns, as they are stored. */
  readonly bytes: number;
  /** The number of parts in which they are stored. */
  readonly parts: number;
}

/** The source of segments' columns: the store, or a cache before it. */
export interface SegmentColumns {
  /**
   * The columns of these names, without those that the segment lacks. `undefined` where this
   * version of the segment does not exist any more.
   */
  fetch(segment: Segment, names: readonly string[]): Promise<FetchedColumns | undefined>;
}

export type FetchedColumns = ReadonlyMap<string, Uint8Array>;
