import type { Binary } from "mongodb";
import type { BatchId, ProjectId } from "../../../event/event.ts";

/** A stored batch that is in no segment yet: it was announced, and is not yet claimed. */
export interface UnsealedDocument {
  /** `project|batch`. */
  readonly _id: string;
  readonly project: ProjectId;
  readonly batch: BatchId;
  /** Changes whenever the batch is announced again. */
  readonly nonce: string;
  /** How many events the batch owned, and about how many bytes they had. */
  readonly events: number;
  readonly bytes: number;
  /** Its events lie between these two instants, both included. */
  readonly from: number;
  readonly to: number;
  /** When it was announced, epoch milliseconds. */
  readonly at: number;
}

/** The next segment of a project in the making: one at a time, so that no batch is in two. */
export interface HeadDocument {
  /** The project. */
  readonly _id: ProjectId;
  /** The number of the next segment. */
  readonly n: number;
  readonly isClaimed: boolean;
  /** The batches that were claimed for it; empty where none are. */
  readonly batches: readonly BatchId[];
  /** The announcements that were claimed, in the order of the batches. */
  readonly nonces: readonly string[];
  readonly events: number;
  readonly from: number;
  readonly to: number;
}

/**
 * A segment: the events of some batches of a project, as columns once they are built. It is never
 * removed, and its batches never change.
 */
export interface SegmentDocument {
  /** `project|number`. */
  readonly _id: string;
  readonly project: ProjectId;
  readonly batches: readonly BatchId[];
  /** Its events lie between these two instants, both included. */
  readonly from: number;
  readonly to: number;
  /** How many events it had when it was claimed. */
  readonly events: number;
  /**
   * Whether its columns are still to be built, or may hold erased events: its events are then read
   * instead.
   */
  readonly isMarked: boolean;
  /** Changes whenever the segment is marked. */
  readonly mark: string;
  /** The instant from which it may be built. */
  readonly dueAt: number;
  /** The version of the columns; absent until they are built. */
  readonly version?: string;
  readonly rows?: number;
  readonly complete?: boolean;
  readonly oldest?: number;
  readonly newest?: number;
  readonly bytes?: number;
  readonly parts?: number;
}

/** Columns of one version of a segment: as many as one document can hold. */
export interface PartDocument {
  /** `segment|version|number`. */
  readonly _id: string;
  /** The columns by their field names (`fieldOfColumn`). */
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

/** The field name of a column: it is JSON, so it has no lone surrogate. */
export function fieldOfColumn(name: string): string {
  return encodeURIComponent(name).replaceAll(".", "%2E");
}

export function columnOfField(field: string): string {
  return decodeURIComponent(field);
}
