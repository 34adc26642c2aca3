import type { Bucket, DirtyMark, Grain } from "../counting/bucket.ts";
import type { EventText } from "../event/event-text.ts";
import type { BatchId, EventId, ProjectId, StoredEvent } from "../event/event.ts";
import type { EventFilter, EventQuery, Range } from "../event/filter.ts";
import type { FoldJob, FoldKind, FoldResult } from "../questions/folds.ts";
import type { SampleJob, SampleKind, SampleResult } from "../questions/catalog/samples.ts";
import type { EventPage, EventTextPage, PageLimits, ReadLimits } from "../event/event-page.ts";
import type { ActStore } from "./acts.ts";
import type { EntityReads } from "./entity-reads.ts";
import type { Dropping } from "./dropping.ts";
import type { Erasing } from "./erasing.ts";
import type { JobStore } from "./jobs.ts";
import type { KeyStore } from "./keys.ts";
import type { QuarantineStore } from "./quarantine.ts";
import type { QuestionStore } from "./saved-questions.ts";
import type { SchemaStore } from "./schemas.ts";
import type { HeldEvent } from "../event/schemas/held.ts";
import type { Violations } from "../event/schemas/schema.ts";
import type { Marks } from "../counting/cover.ts";
import type { Section, SectionRow, Sum } from "../counting/cells.ts";
import type { Delta } from "../counting/delta.ts";
import type { StoredPart, StoredQuery } from "./stored.ts";

/**
 * An enriched batch on its way from the enrichment's thread to the store's, in one piece of memory:
 * the event loop between them hands it on unread, and pays for the batch, not for its events.
 */
export interface BatchPack {
  readonly batch: BatchId;
  readonly project: ProjectId;
  /** How many events it holds, without those that are to be kept apart. */
  readonly count: number;
  /** How many are to be kept apart: where there are any it is stored step by step. */
  readonly broken: number;
  /** What the schemas say of its events; absent where they have nothing to say. */
  readonly violations?: readonly Violations[];
  readonly bytes: Uint8Array;
}

/**
 * The event store: events, deltas, dirty marks and rollups. Every sentence here is tested by
 * `test/contract/store.contract.ts` on every implementation.
 *
 * Writes resolve when a crash can no longer lose them. Any method throws ServiceError
 * `STORE_UNAVAILABLE` while the store is away (disk full, server gone) and works again, without
 * being opened anew, once it is back. Reads see every write that resolved before they began.
 */
export interface EventStore extends QuestionStore, EntityReads, Erasing, Dropping, JobStore {
  /**
   * Steps 2 to 5 of the protocol in one call, for a batch that owns all of its events: each step is
   * durable before the next begins, or all are at the same moment. Absent where a store cannot do
   * that: then each step is a call.
   * @returns true where all was done. Else the batch owns not all of its events and at most step 2
   * was done: its ownership where that is known, or false
   */
  keepWhole?(pack: BatchPack): Promise<boolean | Ownership>;

  /**
   * Step 2 and 3 of the protocol: insert the events that are absent, and keep apart those that are
   * broken and absent; the first write of an id wins, whether it stored the event or kept it apart,
   * and whatever a repeat thinks of it. An event that was kept apart and is to come out by this
   * batch is stored in its own place. Events that are refused because they were erased are neither
   * inserted nor owned, nor foreign, nor held. Idempotent: a repeat with the same batch returns the
   * same ownership, but for what was erased or came out meanwhile.
   */
  append(
    batch: BatchId,
    events: readonly StoredEvent[],
    broken?: readonly HeldEvent[],
  ): Promise<Ownership>;

  /**
   * Step 4: insert the deltas that are absent, by batch and bucket. One that is there is never
   * changed.
   */
  putDeltas(deltas: readonly Delta[]): Promise<void>;

  /**
   * Step 5: mark minutes dirty, each with a new random nonce, and change the fingerprints of their
   * days.
   */
  markDirty(buckets: readonly Bucket[]): Promise<void>;

  /**
   * Up to `limit` dirty marks of a grain, any project, the longest marked first.
   * @param rest which marks are left out
   */
  dirty(grain: Grain, limit: number, rest?: Rest): Promise<readonly DirtyMark[]>;

  /** How many marks there are, and for how long the oldest has stood. */
  dirtyBacklog(): Promise<{ readonly marks: number; readonly oldestMarkedAt: number | null }>;

  /**
   * The sum of all deltas of a minute, uncut, and how many they are (0 and empty cells where there
   * are none).
   */
  sumDeltas(minute: Bucket): Promise<Sum>;

  /**
   * The sum of the rollups of a bucket's children, uncut, and the sum of their versions. A minute
   * without a rollup is the sum of its deltas, and weighs as many.
   */
  sumChildren(parent: Bucket): Promise<Sum>;

  /**
   * The rollup of a bucket as it stands, all of it of one version; of a minute without one the sum
   * of its deltas.
   */
  rollup(bucket: Bucket): Promise<Sum | undefined>;

  /**
   * The next day of which anything was ever marked, by project, then by time; from the first one
   * where none is given.
   */
  nextDay(after?: Bucket): Promise<Bucket | undefined>;

  /**
   * Write the rollup of a bucket, cut (`cutCells`), where `sum.v` is greater than the
   * stored version; else change nothing. All of it or nothing of it is seen.
   */
  writeRollup(bucket: Bucket, sum: Sum, where?: RollupTarget): Promise<void>;

  /** Mark one bucket (an hour, a day) dirty with a new random nonce. */
  markParent(bucket: Bucket): Promise<void>;

  /** Remove a mark only if its nonce is still this one. */
  clearMark(mark: DirtyMark): Promise<void>;

  /**
   * Make the next `sumDeltas` of a minute cheaper. Its result, and which batches it knows, do not
   * change: a late repeat of a batch is still recognised. Optional work; may do nothing.
   */
  condense(minute: Bucket): Promise<void>;

  /**
   * The starts of a project's dirty buckets within `[from, to)`, by grain, ascending; all read at
   * once, or the finest grain first (docs/protocol.md).
   */
  marks(project: ProjectId, range: Range): Promise<Marks>;

  /**
   * One section of a project's rollups of a grain, for the buckets whose start lies in one of the
   * ranges (ascending, not overlapping); ascending by start. Buckets without a rollup are absent,
   * but for minutes: one without a rollup is the sum of its deltas.
   */
  rollups<S extends Section>(
    project: ProjectId,
    grain: Grain,
    ranges: readonly Range[],
    section: S,
  ): Promise<readonly SectionRow<S>[]>;

  /**
   * The same for minutes by summing their deltas, for those that are marked. Minutes without deltas
   * are absent.
   */
  deltaSums<S extends Section>(
    project: ProjectId,
    minutes: readonly number[],
    section: S,
  ): Promise<readonly SectionRow<S>[]>;

  /**
   * Events in store order: by timestamp, then id (by code unit). At most `limit`, after the cursor.
   */
  events(query: EventQuery): Promise<readonly StoredEvent[]>;

  /**
   * A page of the same. It ends early once it has `maxBytes` of JSON, about, and where looking for
   * events that are wanted takes longer than `timeoutMs`, also without any. What may take long
   * holds up no quick reads.
   * @throws ServiceError QUERY_TOO_EXPENSIVE where it took too long and nobody can say how far
   * it came (one user's or one correlation's events, filtered)
   */
  page(query: EventQuery, limits?: PageLimits): Promise<EventPage>;

  /**
   * The same as text, a line for each event (`textLine`), its bytes those of UTF-16; work of the
   * background.
   */
  eventsText(query: EventQuery, text: EventText, limits: PageLimits): Promise<EventTextPage>;

  /**
   * How many events match, counted to the end. Cost grows with the answer where no index fits.
   * @throws ServiceError QUERY_TOO_EXPENSIVE after `timeoutMs`
   */
  countEvents(query: EventFilter, limits?: ReadLimits): Promise<number>;

  event(project: ProjectId, id: EventId): Promise<StoredEvent | undefined>;

  /**
   * The events that were stored behind a place, in the order in which they were stored: what
   * `append` owned, each once.
   */
  stored(query: StoredQuery): Promise<StoredPart>;

  /**
   * From now on for so long, keep the order of storing; to be asked of every process that appends.
   * Absent where it is known anyway. A process that begins to append meanwhile keeps it too.
   */
  tellOrder?(forMs: number): Promise<void>;

  /**
   * Fold the events that meet a filter, where they are, on one state of the store or one that grows
   * while it is read: each event that was there before the call is in the result once. Work of
   * seconds, which holds up neither writes nor other reads.
   * @throws ServiceError QUERY_TOO_EXPENSIVE after `timeoutMs`, or where the result grows beyond
   * its bound
   */
  analyze<K extends FoldKind>(
    filter: EventFilter,
    job: FoldJob<K>,
    limits: ReadLimits,
  ): Promise<Analyzed<K>>;

  /**
   * Look at the newest events of some types and a range, as many as `sampleSize` says, fewer where
   * they are large. Holds up neither writes nor quick reads.
   * @throws ServiceError QUERY_TOO_EXPENSIVE after `timeoutMs`
   */
  sample<K extends SampleKind>(
    filter: SampleFilter,
    job: SampleJob<K>,
    limits: ReadLimits,
  ): Promise<Sampled<K>>;

  /**
   * A text that changes with each batch whose events lie within these days (UTC), by the time it is
   * finished: with `markDirty`, or before. Equal texts mean that no batch was finished between.
   */
  fingerprint(project: ProjectId, range: Range): Promise<string>;

  /**
   * Who may do what, and who did what: like saved questions they have nothing to do with events.
   */
  readonly keys: KeyStore;
  readonly acts: ActStore;

  /** What events are to look like, and those that do not. */
  readonly schemas: SchemaStore;
  readonly quarantine: QuarantineStore;

  /** A small durable write. Throws STORE_UNAVAILABLE where it is away. */
  ping(): Promise<void>;

  /**
   * As `ping`, without waiting for a busy writer. @returns whether, since it was opened, a part
   * proved unreadable
   */
  look(): Promise<{ readonly damaged: boolean }>;

  /**
   * Whether damaged events may be missing in what was read before of a project and a range (half
   * open). Absent: a store whose server sees to that.
   */
  leavesOut?(project: ProjectId, from: number, to: number): boolean;

  /**
   * How many reads its threads carry out now; where a server carries them out, those that may take
   * seconds.
   */
  readonly reading: number;

  close(): Promise<void>;
}

/**
 * Marks that rest: renewed after one instant and first set after another, and neither after `now`.
 * So a bucket of an import, which is marked again and again, is summed once it is over.
 */
export interface Rest {
  readonly renewedSince: number;
  readonly markedSince: number;
  readonly now: number;
}

/** `stored`: only where a rollup is stored. */
export type RollupTarget = "any" | "stored";

export interface Analyzed<K extends FoldKind> {
  readonly result: FoldResult<K>;
  /** How many events met the filter. */
  readonly events: number;
}

export type SampleFilter = Pick<EventFilter, "project" | "types" | "from" | "to">;

/**
 * How many of the newest events a sample is made of: about as many as are read within 100 ms, also
 * by a thread that reads the first time. Together they have at most so many bytes of JSON, about.
 */
export const sampleSize = { events: 2_000, maxBytes: 4_194_304 } as const;

export interface Sampled<K extends SampleKind> {
  readonly result: SampleResult<K>;
  /** How many events were looked at, and whether that were all. */
  readonly events: number;
  readonly isWhole: boolean;
}

/**
 * Which events of an append are the batch's own, which were there before, by another batch, stored
 * or kept apart, and which this batch keeps apart.
 */
export interface Ownership {
  readonly owned: ReadonlySet<EventId>;
  readonly foreign: readonly { readonly id: EventId; readonly hash: string }[];
  readonly held: ReadonlySet<EventId>;
}
