import type { Binary, Collection, Db } from "mongodb";
import type { Bucket, Grain } from "../../counting/bucket.ts";
import type { BatchId, EventId, ProjectId, StoredEvent } from "../../event/event.ts";
import { propertiesOf, type Properties } from "./properties.ts";
import { fromColumn, toRow, type Body, type EventRow } from "../rows.ts";
import type { Erasable, Refusal } from "../erasing.ts";
import type { KeptJob } from "../jobs.ts";
import type { StoredKey } from "../keys.ts";
import type { KeptSchema } from "../schemas.ts";
import type {
  BundleDocument,
  HeadDocument,
  PartDocument as SegmentPartDocument,
  SegmentDocument,
  UnsealedDocument,
} from "./segments/documents.ts";

/**
 * An event as MongoDB keeps it. The fields that searches use stand beside the body, as texts that
 * are equal where the originals are equal (`toColumn`). Everything that a client may fill freely is
 * one JSON text, because BSON cannot hold all keys (NUL) and all texts (lone surrogates) of JSON.
 */
export interface EventDocument {
  /** `project:id`. */
  readonly _id: string;
  readonly project: ProjectId;
  readonly id: EventId;
  readonly batch: BatchId;
  readonly timestamp: number;
  readonly receivedAt: number;
  readonly type: string;
  readonly source: string;
  readonly correlationId?: string;
  /** The event's user (`userOf`). */
  readonly userId?: string;
  readonly hash: string;
  /** JSON of `data`, `metadata` and `context`. */
  readonly body: string;
  /**
   * The properties that the server can search; absent where they are too large, or BSON cannot hold
   * them.
   */
  readonly properties?: Properties;
}

/**
 * The cells that a batch adds to a minute, as JSON texts. Each section has the field `fieldOf`
 * gives.
 */
export interface DeltaDocument {
  /** `batch|project|minute`. */
  readonly _id: string;
  readonly project: ProjectId;
  readonly minute: number;
  /** Absent in a folded delta. */
  readonly sections: SectionTexts;
  /**
   * A digest of the events that it was counted from (`membersByMinute`). Deltas of earlier versions
   * lack it.
   */
  readonly members?: string;
  /** Whether the delta's cells are in the minute's fold. Absent while the delta is open. */
  readonly folded?: true;
  /**
   * Whether erasing an event of the batch put this delta here. The batch then counts its minute
   * anew.
   */
  readonly anew?: true;
}

/** Takes the place of an erased event. A tombstone has no project, so no search finds it. */
export interface Tombstone {
  readonly erasedAt: number;
  /** Whether an event that is accepted later may take this place. */
  readonly reusable: boolean;
}

/**
 * Takes the place of an event that breaks its schema. The document has no project, so no search for
 * events finds it.
 */
export interface HeldDocument {
  readonly _id: string;
  /** The batch that brought it. */
  readonly heldBy: BatchId;
  /** The instant at which the event was received, epoch milliseconds. */
  readonly receivedAt: number;
  readonly hash: string;
  /** The number of writes of this event, and the number of those that changed its content. */
  readonly revision: number;
  readonly amended: number;
  /** A random text for each content of the event; empty for the first content. */
  readonly nonce: string;
  /** The batch that brings the event out of quarantine. */
  readonly replay?: BatchId;
  /** The event in quarantine, JSON (`HeldEvent`). */
  readonly held: string;
}

/** Makes an event in quarantine findable. A note may outlive its event by a little. */
export interface QuarantineNote {
  /** `batch|nonce|project:id`. */
  readonly _id: string;
  /**
   * The event's `_id`, the batch that brought the event, and the content that the note is about.
   */
  readonly event: string;
  readonly batch: BatchId;
  readonly amended: number;
  readonly nonce: string;
  readonly project: ProjectId;
  readonly id: EventId;
  readonly type: string;
  readonly userId?: string;
  readonly receivedAt: number;
  /** When the event happened, epoch milliseconds; absent in notes of earlier versions. */
  readonly timestamp?: number;
}

/** The schemas of one event type. */
interface SchemaDocument extends KeptSchema {
  /** `project|type`. */
  readonly _id: string;
  readonly hasCurrent: boolean;
}

interface FenceDocument {
  /** The user's subject (`subjectOf`). */
  readonly _id: string;
  /**
   * The store refuses events of the user that were accepted up to this instant, epoch milliseconds.
   */
  readonly before: number;
  /** Whether events that are accepted later may have the ids of refused ones. */
  readonly reusable?: boolean;
}

/**
 * A fenced-off event that the process which stored it is taking out again. If that process dies,
 * the eraser finishes the work.
 */
interface FencedDocument extends Erasable {
  /** `batch|project:id`. */
  readonly _id: string;
  readonly subject: string;
}

/** A job. */
export interface JobDocument extends KeptJob {
  /** `project|id`. */
  readonly _id: string;
}

/** The sum of deltas of a minute (folds.ts). */
export interface FoldDocument {
  /** The minute's `bucketId`. */
  readonly _id: string;
  /** The version of the fold; grows with each write. */
  readonly n: number;
  /** The number of deltas in the sum. */
  readonly v: number;
  /**
   * The deltas that this write of the fold added. Of the deltas in the sum, only these may be open.
   */
  readonly batches: readonly string[];
  /**
   * Two instants, epoch milliseconds; absent where there is none. `compacting`: deltas of batches
   * that were made up to then are being removed, or are gone. `through`: this fold holds all deltas
   * of batches that were made up to then, so readers pass over the ones that are still stored.
   */
  readonly compacting?: number;
  readonly through?: number;
  readonly sections: SectionTexts;
  /** As of a rollup. */
  readonly spill?: Spill;
}

export interface MarkDocument {
  /** `bucketId`. */
  readonly _id: string;
  readonly project: ProjectId;
  readonly grain: Grain;
  readonly start: number;
  readonly nonce: string;
  /** The instant at which the bucket was first marked, epoch milliseconds. */
  readonly markedAt: number;
  /** Orders the marks that one process set within one millisecond. */
  readonly turn: number;
  /** The instant at which the mark got its nonce; marks of earlier versions lack it. */
  readonly renewedAt?: number;
}

export interface RollupDocument {
  /** `bucketId`. */
  readonly _id: string;
  readonly project: ProjectId;
  readonly grain: Grain;
  readonly start: number;
  readonly v: number;
  readonly sections: SectionTexts;
  /** The sections that are kept in parts because the document would be too large with them. */
  readonly spill?: Spill;
}

export interface Spill {
  /**
   * A random text for each write of the rollup or fold. Parts of a write are never changed, only
   * removed.
   */
  readonly nonce: string;
  /** The number of parts of each section's text, by the field of the section. */
  readonly parts: Readonly<Record<string, number>>;
}

/** A part of a section's text, as bytes of UTF-8. */
interface PartDocument {
  /** `bucketId|nonce|field|number`. */
  readonly _id: string;
  readonly bytes: Binary;
}

export interface DayDocument {
  /** `project|day`. */
  readonly _id: string;
  readonly project: ProjectId;
  readonly day: number;
  /** Changes whenever an event of the day is stored. */
  readonly nonce: string;
}

/** A saved question. */
export interface QuestionDocument {
  /** `project|name`. */
  readonly _id: string;
  readonly project: ProjectId;
  readonly name: string;
  readonly kind: string;
  readonly description: string;
  readonly version: string;
  readonly createdAt: number;
  readonly savedAt: number;
  /** The question, JSON. */
  readonly question: string;
  /** How the answer is shown, JSON. */
  readonly view?: string;
}

/** A key that was created. */
export interface KeyDocument extends Omit<StoredKey, "id" | "endsAt"> {
  /** The key's id. */
  readonly _id: string;
  /**
   * The instant at which the key ends, or `neverMs`: one comparison finds all keys that are valid.
   */
  readonly endsAt: number;
}

/** Later than any instant. */
export const neverMs = Number.MAX_SAFE_INTEGER;

/** An administrative act. */
export interface ActDocument {
  /** `project|id`. */
  readonly _id: string;
  readonly project: ProjectId;
  readonly id: string;
  readonly at: number;
  /** The person or key that acted, JSON. */
  readonly actor: string;
  readonly what: string;
  readonly target: string;
  /** The details of the act, JSON. */
  readonly details: string;
  readonly requestId?: string;
  readonly outcome: string;
}

/** JSON texts of sections, by their fields. */
export type SectionTexts = Readonly<Record<string, string>>;

/** The id of a bucket's documents. Projects have no `|` in their names. */
export function bucketId({ project, grain, start }: Bucket): string {
  return `${project}|${grain}|${start}`;
}

export function eventKey(project: ProjectId, id: EventId): string {
  return `${project}:${id}`;
}

export function deltaKey(batch: BatchId, project: ProjectId, minute: number): string {
  return `${batch}|${project}|${minute}`;
}

/** Whether the document under an event's id is a tombstone. */
export function isTombstone(document: EventDocument): boolean {
  return "erasedAt" in document;
}

export function tombstone({ at, reusable }: Refusal): Tombstone {
  return { erasedAt: at, reusable };
}

/** Whether the document under an event's id is the event itself. */
export function isEvent(document: EventDocument): boolean {
  return "project" in document;
}

/** Whether the document under an event's id is an event in quarantine. */
export function isHeld(document: object): document is HeldDocument {
  return "heldBy" in document;
}

/** The events in quarantine among some documents of `events`. */
export function heldAmong(documents: readonly object[]): readonly HeldDocument[] {
  return documents.filter(isHeld);
}

export function toDocument(event: StoredEvent, batch: BatchId): EventDocument {
  return documentOf(toRow(event, batch), propertiesOf(event));
}

/**
 * The document of a row. Only SQLite puts a mark in front of a body, so the mark is removed here.
 */
export function documentOf(row: EventRow, properties: Properties | undefined): EventDocument {
  const [project, id, batch, timestamp, receivedAt, type, source, correlationId, userId, hash] =
    row;
  return {
    _id: eventKey(project, id),
    project,
    id,
    batch,
    timestamp,
    receivedAt,
    type,
    source,
    ...(correlationId !== null && { correlationId }),
    ...(userId !== null && { userId }),
    hash,
    body: row[10].trimStart(),
    ...(properties !== undefined && { properties }),
  };
}

/** An event's document without its properties, which the body holds too. */
export type RowDocument = Omit<EventDocument, "properties">;

/** The row of a document: the inverse of `documentOf`. */
export function rowOf(document: RowDocument): EventRow {
  const { project, id, batch, timestamp, receivedAt, type, source, hash, body } = document;
  const { correlationId = null, userId = null } = document;
  const own = [project, id, batch, timestamp, receivedAt, type, source] as const;
  return [...own, correlationId, userId, hash, body];
}

export function fromDocument(document: EventDocument): StoredEvent {
  const { project, id, batch, timestamp, receivedAt, type, correlationId, hash } = document;
  const { data, metadata, context } = bodyFrom(document.body);
  return {
    id,
    type,
    ...(data !== undefined && { data }),
    timestamp,
    source: fromColumn(document.source),
    ...(correlationId !== undefined && { correlationId: fromColumn(correlationId) }),
    ...(metadata !== undefined && { metadata }),
    receivedAt,
    project,
    context,
    batch,
    hash,
  };
}

export function bodyFrom(text: string): Body {
  return JSON.parse(text) as Body;
}
/** The place of a batch in the order of storing, or of events that joined it later. */
export interface FeedDocument {
  /** The batch's id; of later parts `batch|number`. */
  readonly _id: string;
  readonly n: number;
  readonly project: ProjectId;
  /** The ids of the events that the batch owned then and not before, in their order. */
  readonly ids: readonly EventId[];
  /** The number of events by type, JSON. */
  readonly types: string;
  /** Marks a place before which, for a time, the order was not recorded. It has no events. */
  readonly isGap?: true;
}

interface CounterDocument {
  readonly _id: string;
  readonly n: number;
}

interface PingDocument {
  readonly _id: string;
  readonly at: number;
}

/** The collections of one database. */
export interface Collections {
  readonly events: Collection<EventDocument>;
  readonly deltas: Collection<DeltaDocument>;
  readonly folds: Collection<FoldDocument>;
  readonly dirty: Collection<MarkDocument>;
  readonly rollups: Collection<RollupDocument>;
  readonly rollupParts: Collection<PartDocument>;
  readonly days: Collection<DayDocument>;
  readonly questions: Collection<QuestionDocument>;
  readonly keys: Collection<KeyDocument>;
  readonly acts: Collection<ActDocument>;
  readonly feed: Collection<FeedDocument>;
  readonly counters: Collection<CounterDocument>;
  readonly fences: Collection<FenceDocument>;
  readonly fenced: Collection<FencedDocument>;
  readonly jobs: Collection<JobDocument>;
  readonly schemas: Collection<SchemaDocument>;
  readonly quarantine: Collection<QuarantineNote>;
  readonly unsealed: Collection<UnsealedDocument>;
  readonly heads: Collection<HeadDocument>;
  readonly segments: Collection<SegmentDocument>;
  readonly segmentParts: Collection<SegmentPartDocument>;
  readonly bundles: Collection<BundleDocument>;
  readonly pings: Collection<PingDocument>;
}

/**
 * For reads that want all documents: the server puts as many into its first answer as its limit of
 * 16 MiB allows. The default is 101 documents, which would cost a second round trip.
 */
export const inOneAnswer = { batchSize: 10000 } as const;

export function collectionsOf(db: Db): Collections {
  return {
    events: db.collection("events"),
    deltas: db.collection("deltas"),
    folds: db.collection("folds"),
    dirty: db.collection("dirty"),
    rollups: db.collection("rollups"),
    rollupParts: db.collection("rollup_parts"),
    days: db.collection("days"),
    questions: db.collection("questions"),
    keys: db.collection("keys"),
    acts: db.collection("acts"),
    feed: db.collection("feed"),
    counters: db.collection("counters"),
    fences: db.collection("fences"),
    fenced: db.collection("fenced"),
    jobs: db.collection("jobs"),
    schemas: db.collection("schemas"),
    quarantine: db.collection("quarantine"),
    unsealed: db.collection("unsealed"),
    heads: db.collection("segment_heads"),
    segments: db.collection("segments"),
    segmentParts: db.collection("segment_parts"),
    bundles: db.collection("bundles"),
    pings: db.collection("pings"),
  };
}
