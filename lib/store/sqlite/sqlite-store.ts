import type { Section, SectionRow, Sum } from "../../counting/cells.ts";
import type { Marks } from "../../counting/cover.ts";
import type { Column, CoveredPart } from "../../counting/cover-parts.ts";
import type { Floors } from "../../counting/floors.ts";
import type { FoldJob, FoldKind } from "../../questions/folds.ts";
import { grainMs, type Bucket, type Grain, type DirtyMark } from "../../counting/bucket.ts";
import type { BatchId, EventId, ProjectId, StoredEvent } from "../../event/event.ts";
import type { HeldEvent } from "../../event/schemas/held.ts";
import type { EventText } from "../../event/event-text.ts";
import type { QuestionSummary, QuestionToSave, SavedQuestion } from "../saved-questions.ts";
import type { Precondition } from "../../questions/saved.ts";
import type { Claim, Erasable, ErasablePage, Recounted, Refusal } from "../erasing.ts";
import type { Compacted } from "../compacting.ts";
import { noProject, type JobPage, type KeptJob } from "../jobs.ts";
import type { ListedPage } from "../listed.ts";
import { builtInDimensions } from "../../counting/dimensions.ts";
import { KeptReads } from "../../concurrency/kept-reads.ts";
import { errorType } from "../../errors.ts";
import { SqliteActs, SqliteKeys, SqliteQuarantine, SqliteSchemas } from "./administration.ts";
import { EntityAdapter, type AdaptedStore, type EntityOptions } from "../entities/adapter.ts";
import type { EntityKey, EntityQuery } from "../entity-reads.ts";
import type { SampleJob, SampleKind } from "../../questions/catalog/samples.ts";
import type {
  Analyzed,
  BatchPack,
  Ownership,
  StillChanging,
  RollupTarget,
  SampleFilter,
  Sampled,
  ReadCost,
} from "../store.ts";
import type { EventFilter, EventQuery, Range } from "../../event/filter.ts";
import type { PropertyPath } from "../../event/property-path.ts";
import type { Delta } from "../../counting/delta.ts";
import {
  type EventPage,
  type EventTextPage,
  type PageLimits,
  type ReadLimits,
  defaultPageLimits,
} from "../../event/event-page.ts";
import type { CoveredText } from "./covered.ts";
import type { BucketRow } from "./marks.ts";
import { scansEvents } from "../scanning.ts";
import type { StoredPart, StoredQuery } from "../stored.ts";
import { readCells, jsonOf, sectionRows, sumOf } from "../cells-text.ts";
import { deltaCellsRow, fromRow, toRow } from "../rows.ts";
import type { Weight } from "./reader-pool.ts";
import { SqliteThreads, type SqliteOptions } from "./threads.ts";

export type { SqliteOptions } from "./threads.ts";

/**
 * The event store in one SQLite file. One thread writes and others read, so the event loop never
 * waits for the disk, and a long read never holds up a write. Writes that wait at the same time
 * share one commit.
 */
export class SqliteStore implements AdaptedStore {
  readonly keys: SqliteKeys;
  readonly acts: SqliteActs;
  readonly schemas: SqliteSchemas;
  readonly quarantine: SqliteQuarantine;
  /** Earlier versions sorted the ids of an instant as texts (`narrow.ts`). */
  readonly orderName = "UUIDs last";
  readonly #threads: SqliteThreads;
  readonly #dimensions: readonly string[];
  /** Each question asks what erasures and retention are doing, before it is read and after. */
  readonly #keptJobs = new KeptReads();
  #isOpened = false;

  constructor(options: SqliteOptions) {
    this.#threads = new SqliteThreads(options);
    this.keys = new SqliteKeys(this.#threads);
    this.acts = new SqliteActs(this.#threads);
    this.schemas = new SqliteSchemas(this.#threads);
    this.quarantine = new SqliteQuarantine(this.#threads);
    this.#dimensions = options.dimensions ?? builtInDimensions;
  }

  /**
   * Resolves once it is known whether the file can be used. While it cannot, methods throw
   * STORE_UNAVAILABLE.
   * @throws Error where a newer version wrote the file; the store is closed before
   */
  async open(): Promise<void> {
    this.#isOpened = true;
    try {
      await this.ping();
    } catch (error) {
      if (errorType(error) === "STORE_UNAVAILABLE") return;
      await this.close();
      throw error;
    }
  }

  get isOpened(): boolean {
    return this.#isOpened;
  }

  adapter(options: EntityOptions = {}): EntityAdapter {
    return new EntityAdapter(this, options);
  }

  ping(): Promise<void> {
    return this.#threads.ping();
  }

  look(): Promise<{ readonly damaged: boolean }> {
    return this.#threads.look();
  }

  get reading(): number {
    return this.#threads.reading;
  }

  leavesOut(project: ProjectId, from: number, to: number): boolean {
    return this.#threads.leavesOut(project, from, to);
  }

  /** Carries out the calls that were made before, then closes the file. */
  close(): Promise<void> {
    return this.#threads.close();
  }
  async keepWhole({ batch, count, bytes }: BatchPack): Promise<boolean> {
    const kept = await this.#threads.write("keepWhole", batch, bytes, this.#dimensions);
    if (kept) this.#threads.stored(count);
    return kept;
  }

  async append(
    batch: BatchId,
    events: readonly StoredEvent[],
    broken: readonly HeldEvent[] = [],
  ): Promise<Ownership> {
    const rows = events.map((event) => toRow(event, batch));
    const apart = broken.map((held) => ({ row: toRow(held.event, batch), held }));
    const answer = await this.#threads.write("append", batch, rows, apart, this.#dimensions);
    this.#threads.stored(events.length);
    const { owned, foreign, held } = answer ?? { owned: events.keys(), foreign: [], held: [] };
    const idAt = (at: number) => (events[at] ?? broken[at - events.length]!.event).id;
    return {
      owned: new Set(Iterator.from(owned).map(idAt)),
      foreign: foreign.map(({ at, hash }) => ({ id: idAt(at), hash })),
      held: new Set(held.map(idAt)),
    };
  }

  /** Deltas that are there do not tell from which events they were counted. */
  async putDeltas(deltas: readonly Delta[]): Promise<void> {
    const rows = deltas.map(
      ({ batch, bucket, cells }) =>
        [bucket.project, bucket.start, batch, ...deltaCellsRow(cells)] as const,
    );
    const existing = await this.#threads.write("putDeltas", rows, this.#dimensions);
    const uncertain = existing.filter((at) => deltas[at]!.members !== undefined);
    await this.recount(uncertain.map((at) => deltas[at]!.bucket));
  }

  markDirty(buckets: readonly Bucket[]): Promise<void> {
    return this.#threads.write("markDirty", buckets.map(bucketRow));
  }

  dirty(grain: Grain, limit: number, changing?: StillChanging): Promise<readonly DirtyMark[]> {
    return this.#threads.read("quick", "dirty", grain, limit, changing);
  }

  dirtyBacklog(): Promise<{ readonly marks: number; readonly oldestMarkedAt: number | null }> {
    return this.#threads.read("quick", "dirtyBacklog");
  }

  async sumDeltas(minute: Bucket): Promise<Sum> {
    return sumOf(await this.#threads.read("steady", "sumDeltas", bucketRow(minute)));
  }

  async sumChildren(parent: Bucket): Promise<Sum> {
    return sumOf(await this.#threads.read("steady", "sumChildren", bucketRow(parent)));
  }

  async rollup(bucket: Bucket): Promise<Sum | undefined> {
    const found = await this.#threads.read("steady", "rollup", bucketRow(bucket));
    return found && sumOf(found);
  }

  async nextDay(after?: Bucket): Promise<Bucket | undefined> {
    const found = await this.#threads.read("quick", "nextDay", after && bucketRow(after));
    return found && { project: found[0], grain: found[1], start: found[2] };
  }

  writeRollup(bucket: Bucket, sum: Sum, where: RollupTarget = "any"): Promise<void> {
    const text = { v: sum.v, cells: jsonOf(sum) };
    return this.#threads.write("writeRollup", bucketRow(bucket), text, where);
  }

  markParent(bucket: Bucket): Promise<void> {
    return this.#threads.write("markParent", bucketRow(bucket));
  }

  clearMark({ bucket, nonce }: DirtyMark): Promise<void> {
    return this.#threads.write("clearMark", bucketRow(bucket), nonce);
  }

  /** Sums a few marks at a time, so that other calls to the same threads wait only briefly. */
  async rollUpMarked(marks: readonly DirtyMark[]): Promise<void> {
    for (let at = 0; at < marks.length; at += marksAtOnce) {
      const some = marks.slice(at, at + marksAtOnce);
      const marked = some.map(({ bucket, nonce }) => ({ bucket: bucketRow(bucket), nonce }));
      const buckets = marked.map(({ bucket }) => bucket);
      const sums = await this.#threads.read("steady", "sumMarked", buckets);
      await this.#threads.write("rollUpMarked", marked, sums);
    }
  }

  /** A reader computes the sum; the writer only stores it. */
  async condense(minute: Bucket): Promise<void> {
    const plan = await this.#threads.read("steady", "planFold", bucketRow(minute));
    if (plan !== undefined) await this.#threads.write("fold", bucketRow(minute), plan);
  }

  marks(project: ProjectId, { from, to }: Range): Promise<Marks> {
    return this.#threads.read("quick", "marks", project, { from, to });
  }

  async rollups<S extends Section>(
    project: ProjectId,
    grain: Grain,
    ranges: readonly Range[],
    section: S,
  ): Promise<readonly SectionRow<S>[]> {
    const rows = await this.#threads.read("quick", "rollups", project, grain, ranges, section);
    return sectionRows(section, rows);
  }

  async deltaSums<S extends Section>(
    project: ProjectId,
    minutes: readonly number[],
    section: S,
  ): Promise<readonly SectionRow<S>[]> {
    const rows = await this.#threads.read("quick", "deltaSums", project, minutes, section);
    return sectionRows(section, rows);
  }

  async covered<S extends Section>(
    project: ProjectId,
    columns: readonly Column[],
    section: S,
    sealed?: Floors,
  ): Promise<CoveredPart<S>> {
    const read = ["covered", project, columns, section, sealed] as const;
    const { cover, rows, rest } = await this.#threads.read("quick", ...read);
    const rowsOf = ({ grain, texts }: CoveredText["rows"][number]) =>
      sectionRows(section, texts).map((row) => ({ row, lengthMs: grainMs[grain] }));
    return { cover, rows: rows.flatMap(rowsOf), rest };
  }

  async events(query: EventQuery): Promise<readonly StoredEvent[]> {
    return this.#threads.parsed(async () =>
      (await this.#threads.read(weightOf(query), "events", plain(query))).map(fromRow),
    );
  }

  stored(query: StoredQuery): Promise<StoredPart> {
    return this.#threads.parsed(async () => {
      const { events, ...part } = await this.#threads.read("quick", "stored", query);
      return {
        ...part,
        events: events.map(({ place, row }) => ({ place, event: fromRow(row) })),
      };
    });
  }

  async page(
    query: EventQuery,
    { signal, ...limits }: PageLimits = defaultPageLimits,
  ): Promise<EventPage> {
    const read = { weight: weightOf(query), signal };
    return this.#threads.parsed(async () => {
      const { rows, ...end } = await this.#threads.readFor(read, "page", plain(query), limits);
      return { events: rows.map(fromRow), ...end };
    });
  }

  eventsText(
    query: EventQuery,
    text: EventText,
    { signal, ...limits }: PageLimits,
  ): Promise<EventTextPage> {
    return this.#threads.readFor(
      { weight: "heavy", signal },
      "eventsText",
      plain(query),
      text,
      limits,
    );
  }

  list(
    query: EventQuery,
    fields: readonly PropertyPath[] | undefined,
    { signal, ...limits }: PageLimits,
  ): Promise<ListedPage | undefined> {
    const read = { weight: weightOf(query), signal };
    return this.#threads.readFor(read, "list", plain(query), fields, limits);
  }

  countEvents(query: EventFilter, { timeoutMs, signal }: ReadLimits = unlimited): Promise<number> {
    const { from = -Infinity, to = Infinity } = query;
    const weight = to - from <= quickCountMs ? weightOf(query) : "heavy";
    return this.#threads.readFor({ weight, signal }, "countEvents", query, timeoutMs);
  }

  async event(project: ProjectId, id: EventId): Promise<StoredEvent | undefined> {
    return this.#threads.parsed(async () => {
      const row = await this.#threads.read("quick", "event", project, id);
      return row && fromRow(row);
    });
  }

  async analyze<K extends FoldKind>(
    filter: EventFilter,
    job: FoldJob<K>,
    { timeoutMs, signal }: ReadLimits,
  ): Promise<Analyzed<K>> {
    const read = { weight: "heavy", signal } as const;
    const analyzed = await this.#threads.readFor(read, "analyze", filter, job, timeoutMs);
    this.#threads.backfill.wake();
    return analyzed as Analyzed<K>;
  }

  cost(filter: EventFilter, job: FoldJob): Promise<ReadCost | undefined> {
    return this.#threads.read("heavy", "cost", filter, job);
  }

  async sample<K extends SampleKind>(
    filter: SampleFilter,
    job: SampleJob<K>,
    { timeoutMs, signal }: ReadLimits,
  ): Promise<Sampled<K>> {
    const read = { weight: "heavy", signal } as const;
    const sampled = await this.#threads.readFor(read, "sample", filter, job, timeoutMs);
    return sampled as Sampled<K>;
  }

  findEntities(query: EntityQuery): Promise<readonly StoredEvent[]> {
    const weight = query.keys === undefined ? "heavy" : "quick";
    return this.#threads.parsed(async () =>
      (await this.#threads.read(weight, "findEntities", query)).map(fromRow),
    );
  }

  countEntities(query: EntityQuery): Promise<number> {
    return this.#threads.read("heavy", "countEntities", query);
  }

  entitiesByKey(keys: readonly EntityKey[]): Promise<readonly StoredEvent[]> {
    return this.#threads.parsed(async () =>
      (await this.#threads.read("quick", "findKeys", keys)).map(fromRow),
    );
  }

  fence(project: ProjectId, userId: string, before: number): Promise<void> {
    return this.#threads.write("fence", project, userId, before);
  }

  erasable(query: EventQuery, timeoutMs = Infinity): Promise<ErasablePage> {
    return this.#threads.read(weightOf(query), "erasable", plain(query), timeoutMs);
  }

  erasedAt(project: ProjectId, id: EventId): Promise<number | undefined> {
    return this.#threads.read("quick", "erasedAt", project, id);
  }

  holder(project: ProjectId, id: EventId) {
    return this.#threads.read("quick", "holder", project, id);
  }

  async erase(project: ProjectId, events: readonly Erasable[], refusal: Refusal): Promise<void> {
    await this.#threads.write("erase", project, events, refusal, this.#dimensions);
    this.#threads.backfill.wake();
  }

  forgetRemoved(): Promise<void> {
    return this.#threads.emptyLog();
  }

  refuse(project: ProjectId, id: EventId, refusal: Refusal): Promise<boolean> {
    return this.#threads.write("refuse", project, id, refusal);
  }

  async refused(project: ProjectId, events: readonly Claim[]): Promise<ReadonlySet<EventId>> {
    return new Set(await this.#threads.read("quick", "refused", project, events));
  }

  /** A reader counts; the writer only stores the result. */
  async recount(minutes: readonly Bucket[]): Promise<void> {
    for (const minute of minutes.map(bucketRow)) {
      for (let isDone = false; !isDone;) {
        const plan = await this.#threads.read("heavy", "planRecount", minute, this.#dimensions);
        isDone = await this.#threads.write("putRecount", minute, plan);
      }
    }
  }

  async recounted(minute: Bucket, before: number): Promise<Recounted> {
    const read = ["recounted", bucketRow(minute), before, this.#dimensions] as const;
    const { cells, ...counted } = await this.#threads.read("heavy", ...read);
    return { ...counted, cells: readCells(cells) };
  }

  complete(minute: Bucket, batches: readonly BatchId[]): Promise<void> {
    return this.#threads.write("complete", bucketRow(minute), batches, this.#dimensions);
  }

  /** A reader finds the deltas to remove; the writer only removes them. */
  async compact(
    project: ProjectId,
    range: Range,
    madeUntil: number,
    limit: number,
  ): Promise<Compacted> {
    const read = ["compactable", project, range, madeUntil, limit] as const;
    const minutes = await this.#threads.read("heavy", ...read);
    if (minutes.length === 0) return { deltas: 0 };
    const deltas = await this.#threads.write("compact", project, minutes, madeUntil);
    if (minutes.length < limit) return { deltas };
    return { deltas, next: minutes.at(-1)! + grainMs.minute };
  }

  below(project: ProjectId, floors: Floors) {
    return this.#threads.read("steady", "below", project, floors);
  }

  /** A reader finds the deltas to drop: among those that stay that takes long. */
  async drop(project: ProjectId, floors: Floors, limit: number): Promise<number> {
    let dropped = await this.#threads.write("dropEvents", project, floors, limit);
    if (dropped < limit) {
      const found = ["countedBelow", project, floors, limit - dropped] as const;
      const minutes = await this.#threads.read("heavy", ...found);
      if (minutes.length > 0) {
        const left = limit - dropped;
        dropped += await this.#threads.write("dropCounted", project, minutes, left);
      }
    }
    if (dropped === limit) return dropped;
    return dropped + (await this.#threads.write("dropRollups", project, floors, limit - dropped));
  }

  shrink(): Promise<number> {
    return this.#threads.write("shrink");
  }

  putJob(job: KeptJob): Promise<boolean> {
    return this.#keptJobs.write(() => this.#threads.write("putJob", job));
  }

  job(project: ProjectId, id: string): Promise<KeptJob | undefined> {
    const read = () => this.#threads.read("quick", "job", project, id);
    return project === noProject ? this.#keptJobs.read(`job ${id}`, read) : read();
  }

  jobs(project: ProjectId, limit: number): Promise<readonly KeptJob[]> {
    return this.#threads.read("quick", "jobs", project, limit);
  }

  openJobs(page: JobPage): Promise<readonly KeptJob[]> {
    return this.#threads.read("quick", "openJobs", page);
  }

  openJobsOf(project: ProjectId, page?: JobPage): Promise<readonly KeptJob[]> {
    const read = () => this.#threads.read("quick", "openJobsOf", project, page);
    return page === undefined ? this.#keptJobs.read(`open ${project}`, read) : read();
  }

  saveQuestion(
    project: ProjectId,
    question: QuestionToSave,
    demand: Precondition,
    limit: number,
  ): Promise<"created" | "replaced" | "unmet" | "full"> {
    return this.#threads.write("saveQuestion", project, question, demand, limit);
  }

  savedQuestion(project: ProjectId, name: string): Promise<SavedQuestion | undefined> {
    return this.#threads.read("quick", "savedQuestion", project, name);
  }

  savedQuestions(project: ProjectId): Promise<readonly QuestionSummary[]> {
    return this.#threads.read("quick", "savedQuestions", project);
  }

  removeQuestion(
    project: ProjectId,
    name: string,
    demand: Precondition,
  ): Promise<"removed" | "absent" | "unmet"> {
    return this.#threads.write("removeQuestion", project, name, demand);
  }

  fingerprint(project: ProjectId, { from, to }: Range): Promise<string> {
    return this.#threads.read("quick", "fingerprint", project, { from, to });
  }
}

/**
 * The number of marks that one call sums: summing as many hours takes a reader some milliseconds.
 */
const marksAtOnce = 8;

const unlimited: ReadLimits = { timeoutMs: Infinity };

/** The longest range whose count is quick, milliseconds. */
const quickCountMs = 60_000;

function weightOf(filter: EventFilter): Weight {
  return scansEvents(filter) ? "heavy" : "quick";
}

/** Reduces a position, which may be a whole event, to the fields that the threads need. */
function plain({ after, ...query }: EventQuery): EventQuery {
  return { ...query, after: after && { timestamp: after.timestamp, id: after.id } };
}

function bucketRow({ project, grain, start }: Bucket): BucketRow {
  return [project, grain, start];
}
