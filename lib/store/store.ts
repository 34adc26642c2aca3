import type { Bucket, DirtyMark, Grain } from "../counting/bucket.ts";
import type { EventText } from "../event/event-text.ts";
import type { BatchId, EventId, ProjectId, StoredEvent } from "../event/event.ts";
import type { EventFilter, EventQuery, Range } from "../event/filter.ts";
import type { PropertyPath } from "../event/property-path.ts";
import type { FoldJob, FoldKind, FoldResult } from "../questions/folds.ts";
import type { SampleJob, SampleKind, SampleResult } from "../questions/catalog/samples.ts";
import type { EventPage, EventTextPage, PageLimits, ReadLimits } from "../event/event-page.ts";
import type { ActStore } from "./acts.ts";
import type { Compacting } from "./compacting.ts";
import type { EntityReads } from "./entity-reads.ts";
import type { Dropping } from "./dropping.ts";
import type { Erasing } from "./erasing.ts";
import type { JobStore } from "./jobs.ts";
import type { ListedPage } from "./listed.ts";
import type { KeyStore } from "./keys.ts";
import type { QuarantineStore } from "./quarantine.ts";
import type { QuestionStore } from "./saved-questions.ts";
import type { SchemaStore } from "./schemas.ts";
import type { HeldEvent } from "../event/schemas/held.ts";
import type { Violations } from "../event/schemas/schema.ts";
import type { Share } from "../questions/share.ts";
import type { Manifest } from "./manifest.ts";
import type { Marks } from "../counting/cover.ts";
import type { Column, CoveredPart } from "../counting/cover-parts.ts";
import type { Floors } from "../counting/floors.ts";
import type { Section, SectionRow, Sum } from "../counting/cells.ts";
import type { Delta } from "../counting/delta.ts";
import type { StoredPart, StoredQuery } from "./stored.ts";

/**
 * An enriched batch on its way from the enrichment's thread to the store's, in one piece of memory:
 * the event loop between them passes it on unread, and pays for the batch, not for its events.
 */
export interface BatchPack {
  readonly batch: BatchId;
  readonly project: ProjectId;
  /** How many events it holds, without those that go into quarantine. */
  readonly count: number;
  /** How many events go into quarantine. If there are any, the batch is stored step by step. */
  readonly broken: number;
  /** How often its events broke their schemas; absent where none did. */
  readonly violations?: readonly Violations[];
  readonly bytes: Uint8Array;
}

/**
 * The event store: events, deltas, dirty marks and rollups. Every sentence here is tested by
 * `test/contract/store.contract.ts` on every implementation.
 * Writes resolve when a crash can no longer lose them. Any method throws ServiceError
 * `STORE_UNAVAILABLE` while the store is away (disk full, server gone) and works again, without
 * being reopened, once it is back. Reads see every write that resolved before they began.
 */
export interface EventStore
  extends QuestionStore, EntityReads, Erasing, Dropping, Compacting, JobStore {
  /**
   * Steps 2 to 5 of the protocol in one call, for a batch that owns all of its events: each step is
   * durable before the next begins, or all are at the same moment. Absent where a store cannot do
   * that: each step is then a call.
   * @returns true where all steps were done. Otherwise the batch does not own all of its events and
   *   at most step 2 was done: the ownership where it is known, or false
   */
  keepWhole?(pack: BatchPack): Promise<boolean | Ownership>;

  /**
   * Steps 2 and 3 of the protocol: inserts absent events, and puts absent events that break their
   * schema into quarantine. The first write of an id wins, whether it stored the event or put it
   * into quarantine, and whatever a repeat finds. An event in quarantine that this batch releases
   * is stored in its own place. Events that are refused because they were erased are neither
   * inserted nor owned, nor foreign, nor held. Idempotent: a repeat with the same batch returns the
   * same ownership, except for events that were erased or released meanwhile.
   */
  append(
    batch: BatchId,
    events: readonly StoredEvent[],
    broken?: readonly HeldEvent[],
  ): Promise<Ownership>;

  /**
   * Step 4: inserts absent deltas, by batch and bucket. An existing one is never changed. A minute
   * is counted anew instead where its deltas of so old batches were removed (`Compacting`), and
   * where an existing delta was counted from other events: one of the batch came late.
   */
  putDeltas(deltas: readonly Delta[]): Promise<void>;

  /**
   * Step 5: marks minutes dirty, each with a new random nonce, and changes the fingerprints of
   * their days.
   */
  markDirty(buckets: readonly Bucket[]): Promise<void>;

  /**
   * Up to `limit` dirty marks of a grain, of any project, the longest marked first.
   * @param changing the marks that are left out
   */
  dirty(grain: Grain, limit: number, changing?: StillChanging): Promise<readonly DirtyMark[]>;

  /** How many marks there are, and when the oldest was set. */
  dirtyBacklog(): Promise<{ readonly marks: number; readonly oldestMarkedAt: number | null }>;

  /**
   * The sum of all deltas of a minute, uncut, and how many they are (0 and empty cells where there
   * are none).
   */
  sumDeltas(minute: Bucket): Promise<Sum>;

  /**
   * The sum of the rollups of a bucket's children, uncut, and the sum of their versions. A minute
   * without a rollup counts as the sum of its deltas, with their number as its version.
   */
  sumChildren(parent: Bucket): Promise<Sum>;

  /**
   * The stored rollup of a bucket, all of it of one version; for a minute without one the sum of
   * its deltas.
   */
  rollup(bucket: Bucket): Promise<Sum | undefined>;

  /**
   * The next day in which anything was ever marked, by project, then by time; from the first one
   * where `after` is absent.
   */
  nextDay(after?: Bucket): Promise<Bucket | undefined>;

  /**
   * Writes the rollup of a bucket, cut (`cutCells`), where `sum.v` is greater than the stored
   * version; otherwise changes nothing. Readers see all of it or nothing.
   */
  writeRollup(bucket: Bucket, sum: Sum, where?: RollupTarget): Promise<void>;

  /** Marks one bucket (an hour, a day) dirty with a new random nonce. */
  markParent(bucket: Bucket): Promise<void>;

  /** Removes a mark only if its nonce is still this one. */
  clearMark(mark: DirtyMark): Promise<void>;

  /**
   * Rolls marked hours, or marked days, up: what `sumChildren`, `writeRollup`, `markParent` and
   * `clearMark` do one by one, in this order for each of them. Absent where nothing is gained by
   * doing it at once.
   */
  rollUpMarked?(marks: readonly DirtyMark[]): Promise<void>;

  /**
   * Makes the next `sumDeltas` of a minute cheaper. Its result, and the batches it knows, do not
   * change: a late repeat of a batch is still recognized. Optional work; may do nothing.
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
   * except minutes: a minute without one is the sum of its deltas.
   */
  rollups<S extends Section>(
    project: ProjectId,
    grain: Grain,
    ranges: readonly Range[],
    section: S,
  ): Promise<readonly SectionRow<S>[]>;

  /** One section of marked minutes, by summing their deltas. Minutes without deltas are absent. */
  deltaSums<S extends Section>(
    project: ProjectId,
    minutes: readonly number[],
    section: S,
  ): Promise<readonly SectionRow<S>[]>;

  /**
   * What some columns (ascending, not overlapping) are counted from, and the first rows of a
   * section, as many as are read within some milliseconds; all from one state of the store. Absent
   * where nothing is gained by reading them at once.
   * @param sealed the marks of what is final below these floors do not count
   */
  covered?<S extends Section>(
    project: ProjectId,
    columns: readonly Column[],
    section: S,
    sealed?: Floors,
  ): Promise<CoveredPart<S>>;

  /**
   * Events in store order: by timestamp, then id (by code unit). At most `limit`, after the cursor.
   */
  events(query: EventQuery): Promise<readonly StoredEvent[]>;

  /**
   * A page of events. It ends early once it has about `maxBytes` of JSON, and when the search takes
   * longer than `timeoutMs`, even without a result. A long search does not delay quick reads.
   * @throws ServiceError QUERY_TOO_EXPENSIVE where the search took too long and cannot say how far
   *   it came (one user's or one correlation's events, filtered)
   */
  page(query: EventQuery, limits?: PageLimits): Promise<EventPage>;

  /**
   * A page as text, a line for each event (`textLine`); its bytes are those of UTF-16. Work of the
   * background.
   */
  eventsText(query: EventQuery, text: EventText, limits: PageLimits): Promise<EventTextPage>;

  /**
   * A page as an answer shows it, for a query that needs no scan: the same events as `page`, all of
   * it read from one state of the store. Absent where a store would gain nothing by it.
   * @param fields what is shown of each event; all of it where they are absent
   * @returns `undefined` while the project has open jobs: an erasure may hide some of the events
   */
  list?(
    query: EventQuery,
    fields: readonly PropertyPath[] | undefined,
    limits: PageLimits,
  ): Promise<ListedPage | undefined>;

  /**
   * How many events match, counted to the end. The cost grows with the answer where no index fits.
   * @throws ServiceError QUERY_TOO_EXPENSIVE after `timeoutMs`
   */
  countEvents(query: EventFilter, limits?: ReadLimits): Promise<number>;

  event(project: ProjectId, id: EventId): Promise<StoredEvent | undefined>;

  /**
   * The events that were stored behind a place, in the order of storing: those that `append` owned,
   * each once.
   */
  stored(query: StoredQuery): Promise<StoredPart>;

  /**
   * Records the order of storing from now on for so long; every process that appends must be asked.
   * Absent where the order is always known. A process that begins to append meanwhile records it
   * too.
   */
  tellOrder?(forMs: number): Promise<void>;

  /**
   * Folds the events that meet a filter, where they are, on one state of the store or one that
   * grows while it is read: each event that was stored before the call is in the result once. It
   * may take seconds, and delays neither writes nor other reads.
   * @throws ServiceError QUERY_TOO_EXPENSIVE after `timeoutMs`, or where the result grows beyond
   *   its bound
   */
  analyze<K extends FoldKind>(
    filter: EventFilter,
    job: FoldJob<K>,
    limits: ReadLimits,
  ): Promise<Analyzed<K>>;

  /**
   * Estimates what `analyze` fetches for a fold, without fetching it.
   * @returns `undefined` where events are not read as columns: of one user, of one correlation, and
   *   where there are no columns
   */
  cost(filter: EventFilter, job: FoldJob): Promise<ReadCost | undefined>;

  /** How a fold is divided among processes; absent where one process alone has the events. */
  readonly parts?: EventParts;

  /**
   * Turns some of what was stored into columns, so that `analyze` need not read event by event.
   * Absent where a store does that by itself.
   */
  seal?(now: number): Promise<Sealed>;

  /**
   * Samples the newest events of some types and a range: as many as `sampleSize` says, fewer where
   * they are large. Delays neither writes nor quick reads.
   * @throws ServiceError QUERY_TOO_EXPENSIVE after `timeoutMs`
   */
  sample<K extends SampleKind>(
    filter: SampleFilter,
    job: SampleJob<K>,
    limits: ReadLimits,
  ): Promise<Sampled<K>>;

  /**
   * A text that changes with each batch whose events lie within these days (UTC), by the time the
   * batch is finished: with `markDirty`, or before. Equal texts mean that no batch was finished
   * between.
   */
  fingerprint(project: ProjectId, range: Range): Promise<string>;

  /** Keys and administrative acts: like saved questions they have nothing to do with events. */
  readonly keys: KeyStore;
  readonly acts: ActStore;

  /** The schemas of event types, and the events that break them. */
  readonly schemas: SchemaStore;
  readonly quarantine: QuarantineStore;

  /** Makes a small durable write. Throws STORE_UNAVAILABLE where that fails. */
  ping(): Promise<void>;

  /**
   * As `ping`, without waiting for a busy writer.
   * @returns whether a part proved unreadable since the opening
   */
  look(): Promise<{ readonly damaged: boolean }>;

  /**
   * Whether damaged events may be missing from earlier reads of a project and a range (half open).
   * Absent in a store whose server keeps its data whole.
   */
  leavesOut?(project: ProjectId, from: number, to: number): boolean;

  /**
   * How many reads are being carried out now: on the store's threads or, where a server does that,
   * only those that may take seconds.
   */
  readonly reading: number;

  close(): Promise<void>;
}

/**
 * Says which marks a pass leaves for later: those that were renewed after `renewedSince` and first
 * set after `markedSince`, and neither after `now`. So a bucket of an import, which is marked again
 * and again, is summed once the import is over.
 */
export interface StillChanging {
  readonly renewedSince: number;
  readonly markedSince: number;
  readonly now: number;
}

/** What one call of `seal` did. */
export interface Sealed {
  /** How many events were turned into columns. */
  readonly events: number;
  /** How many events' columns were merged with those of neighbours. */
  readonly merged: number;
  /** Whether there is more to do at once. */
  readonly isMore: boolean;
}

/** `stored`: only where a rollup exists. */
export type RollupTarget = "any" | "stored";

export interface Analyzed<K extends FoldKind> {
  readonly result: FoldResult<K>;
  /** How many events met the filter. */
  readonly events: number;
}

/** What is fetched to fold some events. */
export interface ReadCost {
  /** The number of columns, over all chunks or segments, and their bytes as they are stored. */
  readonly columns: number;
  readonly bytes: number;
  /** About how many events are read one by one besides. */
  readonly rows: number;
}

/** The events as any process can read a part of them. */
export interface EventParts {
  /** `undefined` where the events of a filter are to be read by `analyze` alone. */
  manifest(filter: EventFilter): Promise<Manifest | undefined>;
  /**
   * Folds the events that meet a filter of what a manifest, or a part of one, tells of. Other parts
   * of it fit to this one, whatever is stored, sealed or erased meanwhile.
   * @throws ServiceError QUERY_TOO_EXPENSIVE as `analyze`
   */
  fold(question: PartOfQuestion, limits: ReadLimits): Promise<FoldedPart>;
}

export interface PartOfQuestion {
  readonly manifest: Manifest;
  readonly filter: EventFilter;
  readonly job: FoldJob;
  /** The share that the fold takes; absent: it takes all. */
  readonly share?: Share | undefined;
}

export interface FoldedPart {
  /** What the fold hands on (`Fold.partial`). */
  readonly part: unknown;
  /** How many events met the filter. */
  readonly events: number;
}

export type SampleFilter = Pick<EventFilter, "project" | "types" | "from" | "to" | "where">;

/**
 * The size of a sample: about as many events as are read within 100 ms, even by a thread that reads
 * for the first time. Together they have at most about so many bytes of JSON.
 */
export const sampleSize = { events: 2_000, maxBytes: 4_194_304 } as const;

export interface Sampled<K extends SampleKind> {
  readonly result: SampleResult<K>;
  /** How many events were looked at, and whether these were all. */
  readonly events: number;
  readonly isWhole: boolean;
}

/**
 * The events of an append by owner: those of this batch, those that another batch stored or put
 * into quarantine, and those that this batch puts into quarantine.
 */
export interface Ownership {
  readonly owned: ReadonlySet<EventId>;
  readonly foreign: readonly { readonly id: EventId; readonly hash: string }[];
  readonly held: ReadonlySet<EventId>;
}
