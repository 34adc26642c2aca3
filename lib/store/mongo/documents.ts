import type { Binary, Collection, Db, IndexSpecification } from "mongodb";
import type { Bucket, Grain } from "../../counting/bucket.ts";
import type { BatchId, EventId, ProjectId, StoredEvent } from "../../event/event.ts";
import { propertiesOf, type Properties } from "./properties.ts";
import { fromColumn, toRow, type Body, type EventRow } from "../rows.ts";
import type { Erasable, Refusal } from "../erasing.ts";
import type { KeptJob } from "../jobs.ts";
import type { StoredKey } from "../keys.ts";
import type { KeptSchema } from "../schemas.ts";
import type {
  HeadDocument,
  PartDocument as SegmentPartDocument,
  SegmentDocument,
  UnsealedDocument,
} from "./segments/documents.ts";

/**
 * An event as MongoDB keeps it. What is searched by stands beside the body, in texts that are equal
 * where the originals are (`toColumn`); all that a client may fill freely is one JSON text, because
 * BSON lacks keys that JSON has (NUL) and characters that its texts may hold (lone surrogates).
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
  /** `userOf` the event. */
  readonly userId?: string;
  readonly hash: string;
  /** JSON of `data`, `metadata` and `context`. */
  readonly body: string;
  /**
   * What the server can be asked about the body; absent where that would be too much, or has no
   * place in BSON.
   */
  readonly properties?: Properties;
}

/** What a batch adds to a minute; its cells as texts of JSON, by `fieldOf` their section. */
export interface DeltaDocument {
  /** `batch|project|minute`. */
  readonly _id: string;
  readonly project: ProjectId;
  readonly minute: number;
  /** Absent where it is folded. */
  readonly sections: SectionTexts;
  /** Whether its cells are in the minute's fold. Absent while it is open. */
  readonly folded?: true;
  /**
   * Whether it was put here for its batch because an event of that was erased: the batch counts its
   * minute anew.
   */
  readonly anew?: true;
}

/** What stands in the place of an erased event. It belongs to no project, so no search finds it. */
export interface Tombstone {
  readonly erasedAt: number;
  /** Whether an event that was accepted later may take its place. */
  readonly reusable: boolean;
}

/**
 * What stands in the place of an event that breaks its schema. It belongs to no project, so no
 * search for events finds it.
 */
export interface HeldDocument {
  readonly _id: string;
  /** The batch that brought it. */
  readonly heldBy: BatchId;
  /** The event's. */
  readonly receivedAt: number;
  readonly hash: string;
  /** How often it was written, and how often with another content. */
  readonly revision: number;
  readonly amended: number;
  /** Of this content its own; empty of the first. */
  readonly nonce: string;
  /** The batch by which it comes out. */
  readonly replay?: BatchId;
  /** A `HeldEvent`, JSON. */
  readonly held: string;
}

/** By which an event in quarantine is found; it may outlive that by a little. */
export interface QuarantineNote {
  /** `batch|nonce|project:id`. */
  readonly _id: string;
  /** The `_id` of what it leads to, who brought that, and which content of it this is about. */
  readonly event: string;
  readonly batch: BatchId;
  readonly amended: number;
  readonly nonce: string;
  readonly project: ProjectId;
  readonly id: EventId;
  readonly type: string;
  readonly userId?: string;
  readonly receivedAt: number;
}

/** The schemas of a type. */
interface SchemaDocument extends KeptSchema {
  /** `project|type`. */
  readonly _id: string;
  readonly hasCurrent: boolean;
}

interface FenceDocument {
  /** `subjectOf` the user. */
  readonly _id: string;
  /** No event of the user that was accepted up to then comes in. */
  readonly before: number;
}

/**
 * An event that was fenced off and is being taken out by who stored it: who erases finishes that.
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

/** Deltas of a minute, summed (mongo-folds.ts). */
export interface FoldDocument {
  /** `bucketId` of the minute. */
  readonly _id: string;
  /** Grows with each fold. */
  readonly n: number;
  /** How many deltas are in the sum. */
  readonly v: number;
  /** The deltas that came with this fold; only these may still be open. */
  readonly batches: readonly string[];
  /**
   * The deltas of batches that were made up to then go, or are gone; and whether this fold holds all
   * of them: then what is there of them is passed over. Absent: none.
   */
  readonly compacting?: number;
  readonly through?: number;
  readonly sections: SectionTexts;
}

export interface MarkDocument {
  /** `bucketId`. */
  readonly _id: string;
  readonly project: ProjectId;
  readonly grain: Grain;
  readonly start: number;
  readonly nonce: string;
  /** When it was first marked, epoch milliseconds. */
  readonly markedAt: number;
  /** Orders the marks that one process set within one millisecond. */
  readonly turn: number;
  /** When it got its nonce; marks of earlier versions lack it. */
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
  /** Of one write of the rollup: its parts are never changed, only removed. */
  readonly nonce: string;
  /** By field, how many parts its text has. */
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
  /** A new one whenever an event of the day is stored. */
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
  /** JSON. */
  readonly question: string;
  /** JSON of how it is shown. */
  readonly view?: string;
}

/** A key that was given. */
export interface KeyDocument extends Omit<StoredKey, "id" | "endsAt"> {
  /** Its id. */
  readonly _id: string;
  /** `neverMs` where it ends by itself never: so one comparison finds those that hold. */
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
  /** JSON. */
  readonly actor: string;
  readonly what: string;
  readonly target: string;
  /** JSON. */
  readonly details: string;
  readonly requestId?: string;
  readonly outcome: string;
}

/** JSON texts of sections, by their fields. */
export type SectionTexts = Readonly<Record<string, string>>;

/** A bucket's identity. A project has no `|`. */
export function bucketId({ project, grain, start }: Bucket): string {
  return `${project}|${grain}|${start}`;
}

export function eventKey(project: ProjectId, id: EventId): string {
  return `${project}:${id}`;
}

export function deltaKey(batch: BatchId, project: ProjectId, minute: number): string {
  return `${batch}|${project}|${minute}`;
}

/** Whether what is found under an event's id is what was left of it. */
export function isTombstone(document: EventDocument): boolean {
  return "erasedAt" in document;
}

export function tombstone({ at, reusable }: Refusal): Tombstone {
  return { erasedAt: at, reusable };
}

/** Whether what is found under an event's id is the event. */
export function isEvent(document: EventDocument): boolean {
  return "project" in document;
}

/** Whether what is found under an event's id is an event that is kept apart. */
export function isHeld(document: object): document is HeldDocument {
  return "heldBy" in document;
}

/** Those of some documents of `events` that are kept apart. */
export function heldAmong(documents: readonly object[]): readonly HeldDocument[] {
  return documents.filter(isHeld);
}

export function toDocument(event: StoredEvent, batch: BatchId): EventDocument {
  return documentOf(toRow(event, batch), propertiesOf(event));
}

/** A body here has no mark in front: that is SQLite's alone. */
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
/** A batch in the order of storing. */
export interface FeedDocument {
  /** The batch. */
  readonly _id: BatchId;
  readonly n: number;
  readonly project: ProjectId;
  /** Of its own events, in their order. */
  readonly ids: readonly EventId[];
  /** How many of each type, JSON. */
  readonly types: string;
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
  readonly pings: Collection<PingDocument>;
}

/**
 * For reads whose documents are all wanted: as many in one answer of the server's as its 16 MiB
 * hold. Without it the first answer has 101, and so has two round trips what could be had with one.
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
    pings: db.collection("pings"),
  };
}

/** docs/mongodb.md says what each serves. */
export const indexes: {
  readonly [Name in keyof Collections]?: readonly IndexSpecification[];
} = {
  events: [
    { project: 1, timestamp: 1, id: 1 },
    { project: 1, type: 1, timestamp: 1, id: 1 },
    { project: 1, correlationId: 1, timestamp: 1, id: 1 },
    { project: 1, userId: 1, timestamp: 1, id: 1 },
    { project: 1, batch: 1 },
  ],
  unsealed: [{ project: 1, at: 1 }],
  segments: [
    { project: 1, to: 1 },
    { project: 1, batches: 1 },
    { isMarked: 1, dueAt: 1 },
  ],
  deltas: [{ project: 1, minute: 1, folded: 1 }],
  dirty: [
    { grain: 1, markedAt: 1, turn: 1 },
    { project: 1, grain: 1, start: 1 },
  ],
  rollups: [{ project: 1, grain: 1, start: 1 }],
  days: [{ project: 1, day: 1 }],
  questions: [{ project: 1, name: 1 }],
  keys: [
    { project: 1, createdAt: 1 },
    { revoked: 1, endsAt: 1 },
  ],
  acts: [{ project: 1, id: 1 }],
  feed: [{ n: 1 }],
  fenced: [{ subject: 1 }],
  jobs: [
    { project: 1, id: 1 },
    { isOpen: 1, id: 1 },
  ],
  schemas: [{ project: 1 }, { hasCurrent: 1, project: 1, type: 1 }],
  quarantine: [
    { project: 1, receivedAt: 1, id: 1 },
    { project: 1, type: 1, receivedAt: 1, id: 1 },
    { project: 1, userId: 1, receivedAt: 1, id: 1 },
    { event: 1 },
  ],
};

/**
 * Make the indexes that are missing, and their collections. Any number of processes may do so at
 * once. One by one: FerretDB 1.24 fails where of several in one command more than one is there
 * already.
 */
export async function createIndexes(collections: Collections): Promise<void> {
  const names = Object.keys(indexes) as (keyof typeof indexes)[];
  await Promise.all(
    names.map(async (name) => {
      const collection: Pick<Collection, "createIndex"> = collections[name];
      for (const index of indexes[name] ?? []) await collection.createIndex(index);
    }),
  );
}
