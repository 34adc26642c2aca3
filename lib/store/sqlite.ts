import type { Section } from "../analytics/cells.ts";
import type { FoldJob, FoldKind } from "../analytics/folds.ts";
import { errorType, ServiceError } from "../errors.ts";
import type { Bucket, Grain } from "../event/bucket.ts";
import type { BatchId, EventId, ProjectId, StoredEvent } from "../event/event.ts";
import type { EventText } from "../event/event-text.ts";
import type {
  Analyzed,
  Delta,
  DirtyMark,
  EventFilter,
  EventQuery,
  EventStore,
  EventTextPage,
  Ownership,
  Range,
  SectionRow,
  StoreCapabilities,
  Sum,
} from "./store.ts";
import type { BatchPack } from "./batch-pack.ts";
import type { BucketRow } from "./sqlite-marks.ts";
import type { Parameters, ReaderVerbs, Result, WriterVerbs } from "./sqlite-protocol.ts";
import { ReaderPool, type Weight } from "./sqlite-readers.ts";
import { fromRow, toRow } from "./sqlite-rows.ts";
import { Shredding } from "./sqlite-shredding.ts";
import { StateLog } from "./sqlite-state.ts";
import { jsonOf, sectionRows, sumOf } from "./sqlite-sums.ts";
import { spawnThread, StoreThread, type Spawn } from "./sqlite-thread.ts";
import { silent, type StoreLog } from "./store-log.ts";

export interface SqliteOptions {
  /** The SQLite file. It and its folder are made where they are missing. It belongs to one process. */
  readonly file: string;
  /** The most reading threads; they start when they are needed. Default 2. */
  readonly readers?: number;
  readonly log?: StoreLog;
  /** How a thread is started; for tests that end one. */
  readonly spawn?: Spawn;
}

/**
 * The event store in one SQLite file. One thread writes, others read, so the event loop never waits
 * for the disk, and a long read never holds up a write. Writes that wait at the same time share one
 * commit.
 */
export class SqliteStore implements EventStore {
  readonly capabilities: StoreCapabilities = { name: "sqlite" };
  readonly #writer: StoreThread<WriterVerbs>;
  readonly #readers: ReaderPool;
  readonly #shredding = new Shredding(() => this.#shredOne());
  /** Whether somebody opened it. */
  protected opened = false;
  #ready = false;
  #closing: Promise<void> | undefined;

  constructor({ file, readers = 2, log = silent, spawn = spawnThread }: SqliteOptions) {
    const stateOf = (role: string) => new StateLog(log, { file, role });
    const writing = { file, role: "writer", create: true } as const;
    this.#writer = new StoreThread(writing, spawn, stateOf("writer"));
    const reading = { file, role: "reader", create: false } as const;
    const readersState = stateOf("reader");
    const startReader = () => new StoreThread<ReaderVerbs>(reading, spawn, readersState);
    this.#readers = new ReaderPool(readers, startReader);
  }

  /**
   * Resolves once it is known whether the file can be used, whatever the answer: while it cannot,
   * methods throw STORE_UNAVAILABLE.
   * @throws Error where a newer version wrote the file; then the store is closed
   */
  async open(): Promise<void> {
    this.opened = true;
    try {
      await this.ping();
    } catch (error) {
      if (errorType(error) === "STORE_UNAVAILABLE") return;
      await this.close();
      throw error;
    }
  }

  keepWhole({ batch, bytes }: BatchPack): Promise<boolean> {
    return this.#write("keepWhole", batch, bytes);
  }

  async append(batch: BatchId, events: readonly StoredEvent[]): Promise<Ownership> {
    const rows = events.map((event) => toRow(event, batch));
    const answer = await this.#write("append", batch, rows);
    this.#shredding.stored(events.length);
    const { owned, foreign } = answer ?? { owned: events.keys(), foreign: [] };
    return {
      owned: new Set(Iterator.from(owned).map((at) => events[at]!.id)),
      foreign: foreign.map(({ at, hash }) => ({ id: events[at]!.id, hash })),
    };
  }

  putDeltas(deltas: readonly Delta[]): Promise<void> {
    const rows = deltas.map(({ batch, bucket, cells: { types, users, dimensions } }) => {
      const texts = [types, users, dimensions].map((part) => JSON.stringify(part));
      return [bucket.project, bucket.start, batch, ...(texts as [string, string, string])] as const;
    });
    return this.#write("putDeltas", rows);
  }

  markDirty(buckets: readonly Bucket[]): Promise<void> {
    return this.#write("markDirty", buckets.map(bucketRow));
  }

  dirty(grain: Grain, limit: number): Promise<readonly DirtyMark[]> {
    return this.read("quick", "dirty", grain, limit);
  }

  dirtyBacklog(): Promise<{ readonly marks: number; readonly oldestMarkedAt: number | null }> {
    return this.read("quick", "dirtyBacklog");
  }

  async sumDeltas(minute: Bucket): Promise<Sum> {
    return sumOf(await this.read("steady", "sumDeltas", bucketRow(minute)));
  }

  async sumChildren(parent: Bucket): Promise<Sum> {
    return sumOf(await this.read("steady", "sumChildren", bucketRow(parent)));
  }

  writeRollup(bucket: Bucket, sum: Sum): Promise<void> {
    return this.#write("writeRollup", bucketRow(bucket), { v: sum.v, cells: jsonOf(sum) });
  }

  markParent(bucket: Bucket): Promise<void> {
    return this.#write("markParent", bucketRow(bucket));
  }

  clearMark({ bucket, nonce }: DirtyMark): Promise<void> {
    return this.#write("clearMark", bucketRow(bucket), nonce);
  }

  /** The summing is done by a reader; the writer only puts the result in place. */
  async condense(minute: Bucket): Promise<void> {
    const plan = await this.read("steady", "planFold", bucketRow(minute));
    if (plan !== undefined) await this.#write("fold", bucketRow(minute), plan);
  }

  marks(project: ProjectId, grain: Grain, { from, to }: Range): Promise<readonly number[]> {
    return this.read("quick", "marks", project, grain, { from, to });
  }

  async rollups<S extends Section>(
    project: ProjectId,
    grain: Grain,
    ranges: readonly Range[],
    section: S,
  ): Promise<readonly SectionRow<S>[]> {
    const rows = await this.read("quick", "rollups", project, grain, ranges, section);
    return sectionRows(section, rows);
  }

  async deltaSums<S extends Section>(
    project: ProjectId,
    minutes: readonly number[],
    section: S,
  ): Promise<readonly SectionRow<S>[]> {
    const rows = await this.read("quick", "deltaSums", project, minutes, section);
    return sectionRows(section, rows);
  }

  async events(query: EventQuery): Promise<readonly StoredEvent[]> {
    const rows = await this.read(weightOf(query), "events", plain(query));
    return rows.map(fromRow);
  }

  eventsText(query: EventQuery, text: EventText, maxBytes: number): Promise<EventTextPage> {
    return this.read("heavy", "eventsText", plain(query), text, maxBytes);
  }

  countEvents(query: EventFilter): Promise<number> {
    const { from = -Infinity, to = Infinity } = query;
    const weight = to - from <= quickCountMs ? weightOf(query) : "heavy";
    return this.read(weight, "countEvents", query);
  }

  async event(project: ProjectId, id: EventId): Promise<StoredEvent | undefined> {
    const row = await this.read("quick", "event", project, id);
    return row && fromRow(row);
  }

  analyze<K extends FoldKind>(
    filter: EventFilter,
    job: FoldJob<K>,
    { timeoutMs }: { readonly timeoutMs: number },
  ): Promise<Analyzed<K>> {
    return this.read("heavy", "analyze", filter, job, timeoutMs) as Promise<Analyzed<K>>;
  }

  fingerprint(project: ProjectId, { from, to }: Range): Promise<string> {
    return this.read("quick", "fingerprint", project, { from, to });
  }

  async ping(): Promise<void> {
    await this.#write("ping");
    if (!this.#ready) this.#shredding.wake();
    this.#ready = true;
  }

  /** What was asked for before is carried out first. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#shredding.close();
    // The writer last: whoever closes the file last tidies it up.
    await this.#readers.close();
    await this.#writer.close();
  }

  async #shredOne(): Promise<boolean> {
    const columns = await this.read("heavy", "nextColumns");
    if (columns !== undefined) await this.#write("putColumns", columns);
    return columns !== undefined;
  }

  #write<K extends keyof WriterVerbs>(
    verb: K,
    ...parameters: Parameters<WriterVerbs, K>
  ): Promise<Result<WriterVerbs, K>> {
    if (this.#closing !== undefined) return Promise.reject(new ServiceError("STORE_UNAVAILABLE"));
    return this.#writer.call(verb, ...parameters);
  }

  /** The writer makes the file: nothing is read before that. */
  protected async read<K extends keyof ReaderVerbs>(
    weight: Weight,
    verb: K,
    ...parameters: Parameters<ReaderVerbs, K>
  ): Promise<Result<ReaderVerbs, K>> {
    if (!this.#ready) await this.ping();
    return this.#readers.call(weight, verb, ...parameters);
  }
}

/** A count over so short a range is quick. */
const quickCountMs = 60_000;

/** Whether an index leads to just the events asked for. */
function weightOf({ where = [], sources, userId, correlationId }: EventFilter): Weight {
  if (userId !== undefined || correlationId !== undefined) return "quick";
  return where.length > 0 || sources !== undefined ? "heavy" : "quick";
}

/** A position may be a whole event, which need not travel. */
function plain({ after, ...query }: EventQuery): EventQuery {
  return { ...query, after: after && { timestamp: after.timestamp, id: after.id } };
}

function bucketRow({ project, grain, start }: Bucket): BucketRow {
  return [project, grain, start];
}
