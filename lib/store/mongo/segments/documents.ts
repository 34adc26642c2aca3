import { crc32 } from "node:zlib";
import type { Binary } from "mongodb";
import type { BatchId, ProjectId } from "../../../event/event.ts";
import type { Segment } from "../../manifest.ts";

/**
 * Longer than segments and batches are put off. What is due later still was put off before the
 * clock was set back, and is due at once.
 */
export const mostPutOffMs = 120_000;

/**
 * Values of a segment's `dueAt` that are no instants. Whatever marks a segment, of any version,
 * puts an instant in their place.
 */
export const notDue = {
  /** The segment is not merged. */
  alone: 0,
  /** A bundle has what the segment has, and readers pass over the segment. */
  closed: -1,
} as const;

/** A stored batch that is in no segment yet: it was announced, and no segment has claimed it. */
export interface UnsealedDocument {
  /** `project|batch`. */
  readonly _id: string;
  readonly project: ProjectId;
  readonly batch: BatchId;
  /** Changes whenever the batch is announced again. */
  readonly nonce: string;
  /** The number of events that the batch owned, and about how many bytes they had. */
  readonly events: number;
  readonly bytes: number;
  /** The timestamps of the batch's oldest and newest event, both included. */
  readonly from: number;
  readonly to: number;
  /** When it was announced, epoch milliseconds. */
  readonly at: number;
  /** Changes whenever events of the batch are erased or dropped; absent until then. */
  readonly mark?: string;
  /** The instant from which what is read of the batch may be kept; absent: from the first. */
  readonly dueAt?: number;
}

/**
 * The next segment of a project. A project makes one segment at a time, so that no batch is in two.
 */
export interface HeadDocument {
  /** The project. */
  readonly _id: ProjectId;
  /** The number of the next segment. */
  readonly n: number;
  readonly isClaimed: boolean;
  /** The batches that the segment has claimed; empty while there is no claim. */
  readonly batches: readonly BatchId[];
  /** The nonces of the announcements that were claimed, in the order of `batches`. */
  readonly nonces: readonly string[];
  readonly events: number;
  readonly from: number;
  readonly to: number;
}

/** Columns that were built. */
export interface BuiltColumns extends Omit<Segment, "id" | "project"> {
  /** The bytes of each column, by its field name (`fieldOfColumn`). */
  readonly sizes: Readonly<Record<string, number>>;
  /** The bytes of the events that were read; absent in segments of earlier versions. */
  readonly eventBytes?: number;
}

/**
 * A segment: the events of some batches of a project, as columns once they are built. A segment is
 * never removed, and its batches never change.
 */
export interface SegmentDocument extends Partial<BuiltColumns> {
  /** `project|number`. */
  readonly _id: string;
  readonly project: ProjectId;
  readonly batches: readonly BatchId[];
  /** The timestamps of the segment's oldest and newest event, both included. */
  readonly from: number;
  readonly to: number;
  /** The number of its events when it was claimed. */
  readonly events: number;
  /**
   * Whether the columns must still be built, or may hold erased events. Questions then read the
   * events instead of the columns.
   */
  readonly isMarked: boolean;
  /** Changes whenever the segment is marked. */
  readonly mark: string;
  /**
   * The instant from which its columns may be built or, where they are, merged, epoch milliseconds;
   * or one of `notDue`.
   */
  readonly dueAt: number;
  /**
   * The instant up to which its columns must not be built, epoch milliseconds, whatever marks it
   * meanwhile: events of its batches are perhaps being dropped. Absent: they may be built.
   */
  readonly restsUntil?: number;
}

/**
 * Neighbouring small segments of a project, and the columns of all their events together once these
 * are built. It is a copy: marks, batches and announcements are those of its segments. Never
 * removed; its segments never change.
 */
export interface BundleDocument extends Partial<BuiltColumns> {
  /** `bundleKey`. */
  readonly _id: string;
  readonly project: ProjectId;
  readonly n: number;
  /** The numbers of the first and the last segment that it was chosen among, both included. */
  readonly first: number;
  readonly last: number;
  /** The keys of its segments; perhaps none, where those that it was chosen among are large. */
  readonly segments: readonly string[];
  /** Changes whenever somebody begins to merge, or publishes columns. */
  readonly nonce: string;
  /** The instant up to which others leave it alone, epoch milliseconds. */
  readonly takenUntil: number;
  /** The range of its segments when they were merged. */
  readonly from?: number;
  readonly to?: number;
}

/** Some columns of one version of a segment: as many as one document can hold. */
export interface PartDocument {
  /** `segment|version|number`. */
  readonly _id: string;
  /** The columns by their field names (`fieldOfColumn`). */
  readonly columns: Readonly<Record<string, Binary>>;
}

/** Whether what is read of an announced batch must not be kept yet. */
export function rests({ dueAt = -Infinity }: Pick<UnsealedDocument, "dueAt">, now: number) {
  return isPutOff(dueAt, now);
}

/** Whether something that was put off until an instant is not due yet. */
export function isPutOff(until: number, now: number): boolean {
  return until > now && until <= now + mostPutOffMs;
}

/** The key of an announcement. Projects have no `|` in their names. */
export function unsealedKey(project: ProjectId, batch: BatchId): string {
  return `${project}|${batch}`;
}

export function segmentKey(project: ProjectId, n: number): string {
  return `${project}|${n}`;
}

/** The number of a segment, by its key. */
export function numberOf(segment: string): number {
  return Number(segment.slice(segment.lastIndexOf("|") + 1));
}

/** The key of a bundle. Bundles of a project have ascending numbers, from 0 on. */
export function bundleKey(project: ProjectId, n: number): string {
  return `${project}|b${n}`;
}

/** Whether a key is a bundle's, not a segment's. */
export function isBundle(key: string): boolean {
  return key[key.lastIndexOf("|") + 1] === "b";
}

/** Whether a segment or a bundle is the project's, by its key. */
export function isOf(segment: string, project: ProjectId): boolean {
  return segment.startsWith(`${project}|`);
}

export function partKey(segment: string, version: string, part: number): string {
  return `${segment}|${version}|${part}`;
}

/**
 * The part of a segment that a column is in, so that a question reads the parts of its columns
 * alone. Stored segments rely on it, so it must never change.
 */
export function partOfColumn(field: string, parts: number): number {
  return crc32(field) % parts;
}

/** The field name of a column. Column names are JSON, so they have no lone surrogates. */
export function fieldOfColumn(name: string): string {
  return encodeURIComponent(name).replaceAll(".", "%2E");
}

export function columnOfField(field: string): string {
  return decodeURIComponent(field);
}
