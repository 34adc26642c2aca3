import type { Binary } from "mongodb";
import type { BatchId, ProjectId } from "../../../event/event.ts";

/** A batch that is stored and in no segment yet: it was announced, and nobody has claimed it. */
export interface UnsealedDocument {
  /** `project|batch`. */
  readonly _id: string;
  readonly project: ProjectId;
  readonly batch: BatchId;
  /** Another one whenever the batch is announced again. */
  readonly nonce: string;
  /** How many events it owned, and about how many bytes of them there were. */
  readonly events: number;
  readonly bytes: number;
  /** Its events lie between these two, both included. */
  readonly from: number;
  readonly to: number;
  /** When it was announced, epoch milliseconds. */
  readonly at: number;
}

/** What becomes the next segment of a project: one at a time, so that no batch is in two. */
export interface HeadDocument {
  /** The project. */
  readonly _id: ProjectId;
  /** The number of the next segment. */
  readonly n: number;
  readonly isClaimed: boolean;
  /** What was claimed for it; none where nothing is. */
  readonly batches: readonly BatchId[];
  /** The announcements that were claimed, in the order of the batches. */
  readonly nonces: readonly string[];
  readonly events: number;
  readonly from: number;
  readonly to: number;
}

/**
 * A segment: some batches' events of a project, as columns once they are built. It is never
 * removed, and its batches never change.
 */
export interface SegmentDocument {
  /** `project|number`. */
  readonly _id: string;
  readonly project: ProjectId;
  readonly batches: readonly BatchId[];
  /** Its events lie between these two, both included. */
  readonly from: number;
  readonly to: number;
  /** How many events there were when it was claimed. */
  readonly events: number;
  /**
   * Whether its columns are still to be built, or may hold what is gone: then its events are read
   * instead.
   */
  readonly isMarked: boolean;
  /** Another one whenever it is marked. */
  readonly mark: string;
  /** From when on it is to be built. */
  readonly dueAt: number;
  /** Of the columns; absent until they are built. */
  readonly version?: string;
  readonly rows?: number;
  readonly complete?: boolean;
  readonly oldest?: number;
  readonly newest?: number;
  readonly bytes?: number;
  readonly parts?: number;
}

/** Columns of one version of a segment: as many as one document has room for. */
export interface PartDocument {
  /** `segment|version|number`. */
  readonly _id: string;
  /** By `fieldOfColumn` their names. */
  readonly columns: Readonly<Record<string, Binary>>;
}

/** A project has no `|`. */
export function unsealedKey(project: ProjectId, batch: BatchId): string {
  return `${project}|${batch}`;
}

export function segmentKey(project: ProjectId, n: number): string {
  return `${project}|${n}`;
}

export function partKey(segment: string, version: string, part: number): string {
  return `${segment}|${version}|${part}`;
}

/** A column's name as the name of a field: it is JSON, so it has no lone surrogate. */
export function fieldOfColumn(name: string): string {
  return encodeURIComponent(name).replaceAll(".", "%2E");
}

export function columnOfField(field: string): string {
  return decodeURIComponent(field);
}
