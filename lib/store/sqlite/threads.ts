import { setTimeout as delay } from "node:timers/promises";
import { ServiceError } from "../../errors.ts";
import { BrokenBody, isBrokenJson } from "./broken-body.ts";
import type { BrokenSpan } from "./broken.ts";
import type { Parameters, ReaderVerbs, Result, WriterVerbs } from "./verbs.ts";
import { ReaderPool, type Read, type Weight } from "./reader-pool.ts";
import { StateLog, spawnThread, StoreThread, type Spawn } from "./thread.ts";
import { silent, type Log } from "../../log.ts";
import { Semaphore } from "../../concurrency/semaphore.ts";
import { Narrower } from "./narrower.ts";
import { chunkSize } from "./schema.ts";

/** How often emptying the log is tried again while readers need it, and how long in between. */
const maxRounds = 30;
const roundMs = 100;

/** In how many of these rounds the heavy reads of this process are held back. */
const maxHeldRounds = 3;

export interface SqliteOptions {
  /**
   * The SQLite file. It and its folder are created where they are missing. It belongs to one
   * process.
   */
  readonly file: string;
  /** The most reading threads; they start when needed. One takes no heavy reads. Default 2. */
  readonly readers?: number;
  /** The dimensions of recounts. Default the built-in ones. */
  readonly dimensions?: readonly string[];
  readonly log?: Log;
  /** Starts a thread; tests use it to end one. */
  readonly spawn?: Spawn;
}

/**
 * The threads of the store's file, one that writes and others that read, with their background
 * work.
 */
export class SqliteThreads {
  readonly #writer: StoreThread<WriterVerbs>;
  readonly #readers: ReaderPool;
  readonly #states: { readonly writer: StateLog; readonly reader: StateLog };
  /** One thread is enough for what no caller waits for. */
  readonly #background = new Semaphore(1);
  readonly backfill = new Backfill(chunkSize, () => this.#writeNextColumns());
  readonly #checkpoints = new Backfill(checkpointEvery, () => this.#checkpoint());
  readonly #narrower: Narrower;
  readonly #log: Log;
  #ready = false;
  /** What is done before the first read. */
  #prepared: Promise<void> | undefined;
  #broken: readonly BrokenSpan[] | undefined;
  #mending: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor({ file, readers = 2, log = silent, spawn = spawnThread }: SqliteOptions) {
    this.#log = log;
    const stateOf = (role: string) => new StateLog(log, { file, role });
    const writing = { file, role: "writer", create: true, givesWay: true } as const;
    this.#states = { writer: stateOf("writer"), reader: stateOf("reader") };
    this.#writer = new StoreThread(writing, spawn, this.#states.writer);
    const reading = { file, role: "reader", create: false } as const;
    const startReader = (givesWay: boolean) =>
      new StoreThread<ReaderVerbs>({ ...reading, givesWay }, spawn, this.#states.reader);
    this.#readers = new ReaderPool(readers, startReader);
    this.#narrower = new Narrower((limit) => this.#writer.call("narrow", limit), log);
  }

  async ping(): Promise<void> {
    await this.write("ping");
    this.#ready = true;
  }

  /** Reads a little of every table; writes only where the last write failed. */
  async look(): Promise<{ readonly damaged: boolean }> {
    const { writer, reader } = this.#states;
    if (writer.isAway) await this.ping();
    await this.read("quick", "look");
    return { damaged: writer.damaged || reader.damaged || (this.#broken ?? []).length > 0 };
  }

  /** Whether earlier reads of a project and a range may lack damaged events. */
  leavesOut(project: string, from: number, to: number): boolean {
    return (this.#broken ?? []).some(
      (span) => span.project === project && span.newest >= from && span.oldest < to,
    );
  }

  get reading(): number {
    return this.#readers.pending;
  }

  /** Calls made before are carried out first. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#narrower.close();
    await this.backfill.close();
    await this.#checkpoints.close();
    // The writer closes last, since the last one to close the file tidies it up.
    await this.#readers.close();
    await this.#writer.close();
  }

  /** Until a full chunk has columns, questions read its events. */
  async #writeNextColumns(): Promise<boolean> {
    const columns = await this.#background.run(() => this.read("heavy", "nextColumns"));
    if (columns !== undefined) await this.write("putColumns", columns);
    return columns !== undefined;
  }

  /** Notes that events were stored: work of the background may be due. */
  stored(events: number): void {
    this.backfill.stored(events);
    this.#checkpoints.stored(events);
  }

  async #checkpoint(): Promise<boolean> {
    await this.#background.run(() => this.#readers.call({ weight: "heavy" }, "checkpoint"));
    return false;
  }

  async write<K extends keyof WriterVerbs>(
    verb: K,
    ...parameters: Parameters<WriterVerbs, K>
  ): Promise<Result<WriterVerbs, K>> {
    if (this.#closing !== undefined) throw new ServiceError("STORE_UNAVAILABLE");
    return this.#around(() => this.#writer.call(verb, ...parameters));
  }

  /**
   * Empties the file's log, which holds pages as they were before. The log stays as long as a read
   * that began before is carried out, so the heavy ones of this process wait for a while where they
   * are in the way; where another process reads they go on.
   * @throws ServiceError STORE_UNAVAILABLE where another process reads the file for too long
   */
  async emptyLog(): Promise<void> {
    const empty = () => this.write("emptyLog");
    for (let round = 0, held = 0; !(await empty()); round += 1) {
      if (this.#readers.hasHeavy && held++ < maxHeldRounds) {
        if (await this.#readers.withoutHeavy(empty)) return;
      }
      if (round === maxRounds) throw new ServiceError("STORE_UNAVAILABLE");
      await delay(roundMs);
    }
  }

  /** Reads wait for the writer, which creates the file. */
  async read<K extends keyof ReaderVerbs>(
    weight: Weight,
    verb: K,
    ...parameters: Parameters<ReaderVerbs, K>
  ): Promise<Result<ReaderVerbs, K>> {
    return this.readFor({ weight }, verb, ...parameters);
  }

  /** A read for a caller that may leave. */
  async readFor<K extends keyof ReaderVerbs>(
    read: Read,
    verb: K,
    ...parameters: Parameters<ReaderVerbs, K>
  ): Promise<Result<ReaderVerbs, K>> {
    this.#prepared ??= this.#prepare();
    await this.#prepared;
    return this.#around(() => this.#readers.call(read, verb, ...parameters));
  }

  /** Done once for all reads; where some of it failed, once more with the next read. */
  async #prepare(): Promise<void> {
    let isDone = false;
    try {
      if (!this.#ready) await this.ping();
      const spans = this.#broken ?? (await this.#readers.call({ weight: "quick" }, "brokenSpans"));
      this.#broken ??= spans;
      isDone = await this.#wakeBackground();
    } finally {
      if (!isDone) this.#prepared = undefined;
    }
  }

  /**
   * An earlier version, or a killed process, may have left work to the background.
   * @returns whether it is known; the threads have logged why it is not
   */
  async #wakeBackground(): Promise<boolean> {
    const quick = { weight: "quick" } as const;
    try {
      if (await this.#readers.call(quick, "lacksColumns")) this.backfill.wake();
      if (await this.#readers.call(quick, "hasWide")) this.#narrower.start();
      return true;
    } catch {
      return false;
    }
  }

  /** A read whose bodies are parsed by the caller, not by the thread that read them. */
  async parsed<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (error) {
      if (!isBrokenJson(error)) throw error;
      return this.#withoutBroken(read);
    }
  }

  /** A call that may meet an unreadable event. */
  async #around<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof BrokenBody)) throw error;
      return await this.#withoutBroken(call);
    }
  }

  /**
   * Sets aside every unreadable event, and names it in the log; then repeats the work that met one.
   * @throws ServiceError INTERNAL where that did not help
   */
  async #withoutBroken<T>(work: () => Promise<T>): Promise<T> {
    this.#mending ??= this.#setAside().finally(() => (this.#mending = undefined));
    await this.#mending;
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof BrokenBody)) throw error;
      this.#states.reader.refused(error.message);
      throw new ServiceError("INTERNAL");
    }
  }

  async #setAside(): Promise<void> {
    const found = await this.#readers.call({ weight: "heavy" }, "brokenEvents");
    if (found.length > 0) await this.#writer.call("setAside", found);
    this.backfill.wake();
    for (const { project, id } of found) {
      this.#log.error({ project, event: id }, "event is damaged and was set aside");
    }
    this.#broken = await this.#readers.call({ weight: "quick" }, "brokenSpans");
  }
}

/** After so many events a look at the log is due. */
const checkpointEvery = 4_096;

/**
 * Work of the background, some of it at a time. It runs whenever so many events were stored, and
 * when it is woken, and then tries again what failed.
 */
class Backfill {
  readonly #every: number;
  readonly #next: () => Promise<boolean>;
  #events = 0;
  #running: Promise<void> | undefined;
  #ended = false;

  /** @param next does a piece of the work, and returns whether there may be more */
  constructor(every: number, next: () => Promise<boolean>) {
    this.#every = every;
    this.#next = next;
  }

  stored(events: number): void {
    this.#events += events;
    if (this.#events < this.#every) return;
    this.#events %= this.#every;
    this.wake();
  }

  wake(): void {
    if (!this.#ended) this.#running ??= this.#run().finally(() => (this.#running = undefined));
  }

  /** Resolves when no work is running any more. */
  async close(): Promise<void> {
    this.#ended = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    try {
      while (!this.#ended && (await this.#next()));
    } catch {
      // The store's threads have logged the reason.
    }
  }
}
