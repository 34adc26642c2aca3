import { Semaphore } from "../../concurrency/semaphore.ts";
import type { Db, MongoClient } from "mongodb";
import type { Section } from "../../counting/cells.ts";
import type { FoldJob, FoldKind } from "../../questions/folds.ts";
import type { Floors } from "../../counting/floors.ts";
import type { Marks } from "../../counting/cover.ts";
import type { Config } from "../../config.ts";
import type { Bucket, Grain } from "../../counting/bucket.ts";
import type { BatchId, EventId, ProjectId, StoredEvent } from "../../event/event.ts";
import type { HeldEvent } from "../../event/schemas/held.ts";
import type { EventText } from "../../event/event-text.ts";
import { analyze, analyzePart } from "./analyze.ts";
import { MongoActs } from "./acts.ts";
import { mongoAdapter } from "./adapter.ts";
import { MongoLink } from "./connection.ts";
import { countEntities, findEntities, findKeys } from "./entities.ts";
import { compact } from "./compact.ts";
import { CompactionBound } from "./compaction-bound.ts";
import { deltaSums, insertDeltas, putDeltas } from "./deltas.ts";
import { event, events, holder } from "./events.ts";
import { dirtyBacklog, fingerprint, markDirty, nextDay, readDirty, readMarks } from "./marks.ts";
import { withinOwnLimit } from "./own-limit.ts";
import { countWithin, eventsText, page } from "./pages.ts";
import { Feed } from "./feed.ts";
import type { StoredPart, StoredQuery } from "../stored.ts";
import { MongoPasses } from "./grouped-calls.ts";
import { complete } from "./empty-deltas.ts";
import { erasable, erase, erasedAt, recount, recounted, refuse } from "./erase.ts";
import { fence, Fences, finished, refused, unfinished, type BrokenDocument } from "./fences.ts";
import { job, jobsOf, openJobs, openJobsOf, putJob } from "./jobs.ts";
import type { Claim, Erasable, ErasablePage, Recounted, Refusal } from "../erasing.ts";
import type { Compacted } from "../compacting.ts";
import type { JobPage, KeptJob } from "../jobs.ts";
import { builtInDimensions, rolledUp } from "../../counting/dimensions.ts";
import { removeQuestion, savedQuestion, savedQuestions, saveQuestion } from "./saved-questions.ts";
import { MongoKeys } from "./keys.ts";
import { isRetention } from "../retention.ts";
import { below, drop, Inflow } from "./retention.ts";
import { rollup, rollups } from "./rollups.ts";
import { heldDocument } from "./held.ts";
import { MongoQuarantine } from "./quarantine.ts";
import { MongoSchemas } from "./schemas.ts";
import { sample } from "./sample.ts";
import { CachedColumns } from "../columns/cached-columns.ts";
import { DiskCache, type DiskCacheOptions } from "../columns/disk-cache.ts";
import { announce } from "./segments/announce.ts";
import type { BundleLimits } from "./segments/bundles.ts";
import { StoredColumns } from "./segments/columns.ts";
import { Sealer } from "./segments/sealer.ts";
import { versionsOf } from "./segments/manifest.ts";
import { Segments } from "./segments/segments.ts";
import { upsertAll } from "./writes.ts";
import { documentsOf } from "./batch-pack.ts";
import { toDocument, type Collections, type EventDocument } from "./documents.ts";
import type { QuestionSummary, QuestionToSave, SavedQuestion } from "../saved-questions.ts";
import type { Precondition } from "../../questions/saved.ts";
import { silent, type Log } from "../../log.ts";
import type { AdaptedStore, EntityAdapter, EntityOptions } from "../entities/adapter.ts";
import type { EntityKey, EntityQuery } from "../entity-reads.ts";
import type { SampleJob, SampleKind } from "../../questions/catalog/samples.ts";
import type {
  Analyzed,
  EventParts,
  BatchPack,
  Ownership,
  StillChanging,
  RollupTarget,
  SampleFilter,
  Sampled,
  Sealed,
  ReadCost,
} from "../store.ts";
import type { SegmentColumns } from "../columns/segment.ts";
import type { EventFilter, EventQuery } from "../../event/filter.ts";
import type { Range } from "../../event/filter.ts";
import type { Delta } from "../../counting/delta.ts";
import type { SectionRow, Sum } from "../../counting/cells.ts";
import type { DirtyMark } from "../../counting/bucket.ts";
import type { EventPage, EventTextPage, PageLimits, ReadLimits } from "../../event/event-page.ts";
import { defaultPageLimits } from "../../event/event-page.ts";

export interface MongoOptions {
  /** The address: `mongodb://user:password@host:port/database?options`, or `mongodb+srv:`. */
  readonly uri: string;
  /** The database where the URI names none. Default `analytics`. */
  readonly database?: string;
  /** The most bytes of text in a rollup's document; more is kept in parts. Default 12 MiB. */
  readonly maxRollupBytes?: number;
  /** The shortest time between two checks that the indexes exist. Default a minute. */
  readonly prepareEveryMs?: number;
  /**
   * For how long the first batches check whether a reader follows the order of storing. Default a
   * minute.
   */
  readonly looksForFollowersMs?: number;
  /**
   * For how long after the first sealer began processes of an earlier version may still store.
   * Default half an hour.
   */
  readonly adoptsAfterMs?: number;
  /**
   * The time after which every process that stores knows how far compaction may go. Default ten
   * seconds.
   */
  readonly boundHeededAfterMs?: number;
  /** The most events of a segment, apart from one batch. Default 16,384. */
  readonly segmentMaxEvents?: number;
  /** The bounds up to which small segments are merged. Default 32 segments of 16,384 events. */
  readonly bundleLimits?: BundleLimits;
  /**
   * Where columns of segments are cached on the disk; absent: nowhere. With 0 bytes nowhere either,
   * and what an earlier process has cached there is removed.
   */
  readonly segmentCache?: Omit<DiskCacheOptions, "log"> | undefined;
  /** Wraps the reader of columns in the database, for instance with a cache. */
  readonly columnsBehind?: (stored: SegmentColumns) => SegmentColumns;
  /** The dimensions of minutes that are counted anew. Default the built-in dimensions. */
  readonly dimensions?: readonly string[];
  readonly log?: Log;
}

/** The time limit of `look`, which finds one document of each collection without a key. */
const lookTimeoutMs = 1_000;

/** MongoDB's limit of a document is 16 MiB; the rest is for the fields that are not text. */
const maxRollupBytes = 12 * 1_024 * 1_024;

/**
 * The event store in a MongoDB database, which any number of processes share. It needs no
 * transactions, and only commands that MongoDB-compatible servers have: inserts that leave existing
 * documents, finds, upserts, replacements and removals of one document under a condition. Writes
 * are acknowledged by the journals of a majority; reads go to the primary.
 */
export class MongoStore implements AdaptedStore {
  readonly keys: MongoKeys;
  readonly acts: MongoActs;
  readonly schemas: MongoSchemas;
  readonly quarantine: MongoQuarantine;
  readonly orderName = "";
  readonly #link: MongoLink;
  readonly #passes: MongoPasses;
  readonly #feed: Feed;
  /** Questions are counted, then saved: one at a time, so that a process saves none above the limit. */
  readonly #saving = new Semaphore(1);
  readonly #dimensions: readonly string[];
  readonly #fences: Fences;
  readonly #inflow = new Inflow();
  readonly #bound: CompactionBound;
  readonly #sealer: Sealer;
  readonly #segments: Segments;
  readonly #kept: CachedColumns | undefined;
  /** What an earlier process has cached, where nothing is any more. */
  readonly #formerCache: DiskCache | undefined;
  #isOpened = false;

  /**
   * Resolves also while the server cannot be reached; methods then throw STORE_UNAVAILABLE until it
   * can.
   * @throws ConfigError, which names MONGODB_URI, for a fault that a person must mend: the URI, a
   * password, a role
   */
  static async open(config: Config, log: Log): Promise<MongoStore> {
    const { mongodbUri, clusterName: database } = config;
    const dimensions = rolledUp(config.rollupDimensions);
    const store = new MongoStore({
      uri: mongodbUri ?? "",
      database,
      dimensions,
      log,
      segmentMaxEvents: config.segmentMaxEvents,
      segmentCache: config.segmentCache,
    });
    await store.open();
    return store;
  }

  /** @throws ConfigError where the URI cannot be read */
  constructor({
    uri,
    database = "analytics",
    log = silent,
    prepareEveryMs,
    ...options
  }: MongoOptions) {
    this.#link = new MongoLink({ uri, database, log, prepareEveryMs });
    this.keys = new MongoKeys(this.#link);
    this.acts = new MongoActs(this.#link);
    this.schemas = new MongoSchemas(this.#link);
    this.quarantine = new MongoQuarantine(this.#link);
    this.#passes = new MongoPasses(this.#link, options.maxRollupBytes ?? maxRollupBytes);
    this.#dimensions = options.dimensions ?? builtInDimensions;
    this.#fences = new Fences(this.#dimensions);
    this.#feed = new Feed(options.looksForFollowersMs);
    this.#bound = new CompactionBound(options.boundHeededAfterMs);
    this.#sealer = new Sealer(options);
    const stored = new StoredColumns(this.#link.scanned);
    const columns = options.columnsBehind?.(stored) ?? stored;
    const cache = options.segmentCache && { ...options.segmentCache, log };
    this.#kept = cache && cache.maxBytes > 0 ? new CachedColumns(columns, cache) : undefined;
    this.#formerCache = cache?.maxBytes === 0 ? new DiskCache(cache) : undefined;
    this.#segments = new Segments(this.#kept ?? columns);
  }

  get client(): MongoClient {
    return this.#link.client;
  }

  /** The clients; tests watch the commands that they send. */
  get clients(): readonly MongoClient[] {
    return this.#link.clients;
  }

  get db(): Db {
    return this.#link.db;
  }

  get isOpened(): boolean {
    return this.#isOpened;
  }

  /**
   * Resolves once it is known whether the server can be used. While it cannot, methods throw
   * STORE_UNAVAILABLE.
   * @throws ConfigError for a fault that a person must mend; the store is closed before
   */
  async open(): Promise<void> {
    this.#isOpened = true;
    await this.#link.open();
    if (this.#kept !== undefined) this.#link.openScanner();
    this.#kept?.sweepBy((ids) => this.#link.run((collections) => versionsOf(collections, ids)));
  }

  adapter(options: EntityOptions = {}): EntityAdapter {
    return mongoAdapter(this.#link, this, options);
  }

  get reading(): number {
    return this.#link.scanning;
  }

  keepWhole(pack: BatchPack): Promise<true | Ownership> {
    return this.#link.run(async (collections) => {
      const { events, deltas, minutes } = documentsOf(pack);
      const ownership = await this.#append(collections, pack.batch, events);
      const announced = this.#announce(collections, pack.batch, ownership, events);
      if (ownership.owned.size < events.length) return announced;
      const [anew] = await Promise.all([insertDeltas(collections, deltas, this.#bound), announced]);
      await recount(collections, anew, this.#dimensions);
      await markDirty(collections, minutes);
      return true;
    });
  }

  append(
    batch: BatchId,
    events: readonly StoredEvent[],
    broken: readonly HeldEvent[] = [],
  ): Promise<Ownership> {
    const documents = events.map((event) => toDocument(event, batch));
    const apart = broken.map((held) => ({
      event: toDocument(held.event, batch),
      held: heldDocument(held, batch),
    }));
    return this.#link.run(async (collections) => {
      const ownership = await this.#append(collections, batch, documents, apart);
      const all = [...documents, ...apart.map(({ event }) => event)];
      return this.#announce(collections, batch, ownership, all);
    });
  }

  /**
   * Announces a stored batch. The ownership of its events is fixed from here on, so it may be
   * sealed.
   */
  async #announce(
    collections: Collections,
    batch: BatchId,
    ownership: Ownership,
    documents: readonly EventDocument[],
  ): Promise<Ownership> {
    const own = documents.filter(({ id }) => ownership.owned.has(id));
    await announce(collections, batch, own, Date.now());
    return ownership;
  }

  async #append(
    collections: Collections,
    batch: BatchId,
    documents: readonly EventDocument[],
    broken: readonly BrokenDocument[] = [],
  ): Promise<Ownership> {
    const all = [...documents, ...broken.map(({ event }) => event)];
    const projects = all.map(({ project }) => project);
    const isAdmitted = await this.#inflow.admission(collections, projects);
    const kept = documents.filter(isAdmitted);
    const apart = broken.filter(({ event }) => isAdmitted(event));
    const ownership = await this.#fences.append(collections, batch, kept, apart);
    if (await this.#feed.isRecorded(collections)) {
      const own = all.filter(({ id }) => ownership.owned.has(id));
      await this.#feed.record(collections, batch, own);
    }
    return ownership;
  }

  tellOrder(forMs: number): Promise<void> {
    return this.#link.run((collections) => this.#feed.recordFor(collections, forMs));
  }

  stored(query: StoredQuery): Promise<StoredPart> {
    return this.#link.run((collections) => this.#feed.stored(collections, query));
  }

  putDeltas(deltas: readonly Delta[]): Promise<void> {
    return this.#link.run(async (collections) => {
      const anew = await putDeltas(collections, deltas, this.#bound);
      await recount(collections, anew, this.#dimensions);
    });
  }

  markDirty(buckets: readonly Bucket[]): Promise<void> {
    return this.#link.run((collections) => markDirty(collections, buckets));
  }

  dirty(grain: Grain, limit: number, changing?: StillChanging): Promise<readonly DirtyMark[]> {
    return this.#link.run((collections) => readDirty(collections, grain, limit, changing));
  }

  dirtyBacklog(): Promise<{ readonly marks: number; readonly oldestMarkedAt: number | null }> {
    return this.#link.run((collections) => dirtyBacklog(collections));
  }

  sumDeltas(minute: Bucket): Promise<Sum> {
    return this.#passes.sumDeltas(minute);
  }

  sumChildren(parent: Bucket): Promise<Sum> {
    return this.#passes.sumChildren(parent);
  }

  rollup(bucket: Bucket): Promise<Sum | undefined> {
    return this.#link.run((collections) => rollup(collections, bucket));
  }

  nextDay(after?: Bucket): Promise<Bucket | undefined> {
    return this.#link.run((collections) => nextDay(collections, after));
  }

  writeRollup(bucket: Bucket, sum: Sum, where: RollupTarget = "any"): Promise<void> {
    return this.#passes.writeRollup({ bucket, sum, where });
  }

  markParent(bucket: Bucket): Promise<void> {
    return this.#passes.markParent(bucket);
  }

  clearMark(mark: DirtyMark): Promise<void> {
    return this.#passes.clearMark(mark);
  }

  condense(minute: Bucket): Promise<void> {
    return this.#passes.condense(minute);
  }

  marks(project: ProjectId, range: Range): Promise<Marks> {
    return this.#link.run((collections) => readMarks(collections, project, range));
  }

  rollups<S extends Section>(
    project: ProjectId,
    grain: Grain,
    ranges: readonly Range[],
    section: S,
  ): Promise<readonly SectionRow<S>[]> {
    return this.#link.run((collections) => rollups(collections, project, grain, ranges, section));
  }

  deltaSums<S extends Section>(
    project: ProjectId,
    minutes: readonly number[],
    section: S,
  ): Promise<readonly SectionRow<S>[]> {
    return this.#link.run((collections) => deltaSums(collections, project, minutes, section));
  }

  events(query: EventQuery): Promise<readonly StoredEvent[]> {
    return this.#link.run((collections) =>
      withinOwnLimit((limits) => events(collections, query, limits)),
    );
  }

  page(query: EventQuery, limits: PageLimits = defaultPageLimits): Promise<EventPage> {
    return this.#link.scan((collections) => page(collections, query, limits));
  }

  eventsText(query: EventQuery, text: EventText, limits: PageLimits): Promise<EventTextPage> {
    return this.#link.scan((collections) => eventsText(collections, query, text, limits));
  }

  countEvents(query: EventFilter, limits: ReadLimits = { timeoutMs: Infinity }): Promise<number> {
    return this.#link.scan((collections) => countWithin(collections, query, limits));
  }

  event(project: ProjectId, id: EventId): Promise<StoredEvent | undefined> {
    return this.#link.run((collections) => event(collections, project, id));
  }

  analyze<K extends FoldKind>(
    filter: EventFilter,
    job: FoldJob<K>,
    limits: ReadLimits,
  ): Promise<Analyzed<K>> {
    return this.#link.scan((collections) =>
      analyze(collections, filter, job, limits, {
        pushDown: this.#link.aggregates,
        segments: this.#segments,
      }),
    );
  }

  cost(filter: EventFilter, job: FoldJob): Promise<ReadCost | undefined> {
    return this.#link.scan((collections) => this.#segments.cost(collections, filter, job));
  }

  readonly parts: EventParts = {
    manifest: (filter) =>
      this.#link.scan((collections) => this.#segments.manifestOf(collections, filter)),
    fold: (question, limits) =>
      this.#link.scan((collections) => analyzePart(collections, this.#segments, question, limits)),
  };

  seal(now: number): Promise<Sealed> {
    return this.#link.run((collections) => this.#sealer.pass(collections, now));
  }

  sample<K extends SampleKind>(
    filter: SampleFilter,
    job: SampleJob<K>,
    limits: ReadLimits,
  ): Promise<Sampled<K>> {
    return this.#link.scan((collections) => sample(collections, filter, job, limits));
  }

  findEntities(query: EntityQuery): Promise<readonly StoredEvent[]> {
    return this.#link.scan((collections) =>
      withinOwnLimit((limits) => findEntities(collections, query, limits)),
    );
  }

  countEntities(query: EntityQuery): Promise<number> {
    return this.#link.scan((collections) =>
      withinOwnLimit((limits) => countEntities(collections, query, limits)),
    );
  }

  entitiesByKey(keys: readonly EntityKey[]): Promise<readonly StoredEvent[]> {
    return this.#link.run((collections) => findKeys(collections, keys));
  }

  fence(project: ProjectId, userId: string, before: number, reusable = false): Promise<void> {
    return this.#link.run((collections) => fence(collections, project, userId, before, reusable));
  }

  erasable(query: EventQuery, timeoutMs = Infinity): Promise<ErasablePage> {
    return this.#link.scan((collections) => erasable(collections, query, timeoutMs));
  }

  unfinished(project: ProjectId, userId: string): Promise<readonly Erasable[]> {
    return this.#link.run((collections) => unfinished(collections, project, userId));
  }

  finished(project: ProjectId, events: readonly Erasable[]): Promise<void> {
    return this.#link.run((collections) => finished(collections, project, events));
  }

  erasedAt(project: ProjectId, id: EventId): Promise<number | undefined> {
    return this.#link.run((collections) => erasedAt(collections, project, id));
  }

  holder(project: ProjectId, id: EventId) {
    return this.#link.run((collections) => holder(collections, project, id));
  }

  erase(
    project: ProjectId,
    events: readonly Erasable[],
    refusal: Refusal,
    userId?: string,
  ): Promise<void> {
    return this.#link.run((collections) => erase(collections, project, events, refusal, userId));
  }

  refuse(project: ProjectId, id: EventId, refusal: Refusal): Promise<boolean> {
    return this.#link.run((collections) => refuse(collections, project, id, refusal));
  }

  refused(project: ProjectId, events: readonly Claim[]): Promise<ReadonlySet<EventId>> {
    return this.#link.run((collections) => refused(collections, project, events));
  }

  recount(minutes: readonly Bucket[]): Promise<void> {
    return this.#link.scan((collections) => recount(collections, minutes, this.#dimensions));
  }

  recounted(minute: Bucket, before: number): Promise<Recounted> {
    return this.#link.scan((collections) =>
      recounted(collections, minute, before, this.#dimensions),
    );
  }

  complete(minute: Bucket, batches: readonly BatchId[]): Promise<void> {
    return this.#link.run((collections) => complete(collections, minute, batches));
  }

  compact(project: ProjectId, range: Range, madeUntil: number, limit: number): Promise<Compacted> {
    return this.#link.scan(async (collections) => {
      const until = await this.#bound.raise(collections, madeUntil);
      if (until === -Infinity) return { deltas: 0 };
      return compact(collections, project, range, until, limit);
    });
  }

  below(project: ProjectId, floors: Floors) {
    return this.#link.scan((collections) => below(collections, project, floors));
  }

  drop(project: ProjectId, floors: Floors, limit: number): Promise<number> {
    return this.#link.scan((collections) => drop(collections, project, floors, limit));
  }

  putJob(kept: KeptJob): Promise<boolean> {
    return this.#link.run(async (collections) => {
      const isPut = await putJob(collections, kept);
      if (isRetention(kept)) this.#inflow.forget();
      return isPut;
    });
  }

  job(project: ProjectId, id: string): Promise<KeptJob | undefined> {
    return this.#link.run((collections) => job(collections, project, id));
  }

  jobs(project: ProjectId, limit: number): Promise<readonly KeptJob[]> {
    return this.#link.run((collections) => jobsOf(collections, project, limit));
  }

  openJobs(page: JobPage): Promise<readonly KeptJob[]> {
    return this.#link.run((collections) => openJobs(collections, page));
  }

  openJobsOf(project: ProjectId, page?: JobPage): Promise<readonly KeptJob[]> {
    return this.#link.run((collections) => openJobsOf(collections, project, page));
  }

  saveQuestion(
    project: ProjectId,
    question: QuestionToSave,
    demand: Precondition,
    limit: number,
  ): Promise<"created" | "replaced" | "unmet" | "full"> {
    return this.#saving.run(() =>
      this.#link.run((collections) => saveQuestion(collections, project, question, demand, limit)),
    );
  }

  savedQuestion(project: ProjectId, name: string): Promise<SavedQuestion | undefined> {
    return this.#link.run((collections) => savedQuestion(collections, project, name));
  }

  savedQuestions(project: ProjectId): Promise<readonly QuestionSummary[]> {
    return this.#link.run((collections) => savedQuestions(collections, project));
  }

  removeQuestion(
    project: ProjectId,
    name: string,
    demand: Precondition,
  ): Promise<"removed" | "absent" | "unmet"> {
    return this.#link.run((collections) => removeQuestion(collections, project, name, demand));
  }

  fingerprint(project: ProjectId, range: Range): Promise<string> {
    return this.#link.run((collections) => fingerprint(collections, project, range));
  }

  /** Makes a small durable write: only a write shows that other writes would succeed. */
  ping(): Promise<void> {
    const set = { at: Date.now() };
    return this.#link.run(({ pings }) => upsertAll(pings, [{ _id: "ping", set }]));
  }

  /** Reads a little of each collection. Writes only where the last call failed. */
  async look(): Promise<{ readonly damaged: boolean }> {
    if (this.#link.isAway) await this.ping();
    const options = { projection: { _id: 1 }, maxTimeMS: lookTimeoutMs } as const;
    await this.#link.run((collections) =>
      Promise.all([
        collections.events.findOne({}, options),
        collections.rollups.findOne({}, options),
        collections.deltas.findOne({}, options),
        collections.dirty.findOne({}, options),
        collections.days.findOne({}, options),
      ]),
    );
    return { damaged: false };
  }

  async close(): Promise<void> {
    await this.#link.close();
    await Promise.all([
      this.#kept?.close(),
      this.#formerCache?.close(),
      this.#segments.unsealed.idle(),
    ]);
  }
}
