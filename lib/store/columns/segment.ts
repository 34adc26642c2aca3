import type { ProjectId } from "../../event/event.ts";

/**
 * Some batches' events of one project as columns, as a manifest tells of them. What stands under an
 * id and a version never changes.
 */
export interface Segment {
  readonly id: string;
  /** Another one whenever events of it are gone: then the columns were written anew. */
  readonly version: string;
  readonly project: ProjectId;
  readonly rows: number;
  /** Whether every property has a column (`WrittenColumns`). */
  readonly complete: boolean;
  /** All its events lie between these two, both included. */
  readonly oldest: number;
  readonly newest: number;
  /** Of all its columns together, as they are stored. */
  readonly bytes: number;
}

/** Where columns of segments come from: the store, or what stands before it. */
export interface SegmentColumns {
  /**
   * The columns of these names, without those that the segment does not have. `undefined` where
   * that version of the segment is there no more.
   */
  fetch(segment: Segment, names: readonly string[]): Promise<FetchedColumns | undefined>;
}

export type FetchedColumns = ReadonlyMap<string, Uint8Array>;
