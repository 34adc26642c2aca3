import type { BatchId, ProjectId } from "../event/event.ts";

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
  /** Whether the name of a column says in which part it is; absent where it does not. */
  readonly isPlaced?: boolean;
}

/** Some batches of a project that are in no segment yet. */
export interface UnsealedGroup {
  /**
   * Changes whenever one of the batches brings or loses events. What was read of the batches under
   * a key may therefore be kept, and used for every manifest with the key.
   */
  readonly key: string;
  readonly batches: readonly BatchId[];
  /** About how many bytes their events have. */
  readonly bytes: number;
}

/**
 * Lists where the events of a question are. Each event of the project and range that was stored
 * before is either in one of the segments or in one of the batches, never in both. Plain data: any
 * process can read the events of another process' manifest.
 */
export interface Manifest {
  /** With columns that tell of all their events. */
  readonly segments: readonly Segment[];
  /** Batches whose events may be kept. */
  readonly unsealed: readonly UnsealedGroup[];
  /** Batches whose events are to be read each time. */
  readonly batches: readonly BatchId[];
  /** About how many events the batches have, those of `unsealed` included. */
  readonly events: number;
}
