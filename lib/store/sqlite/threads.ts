import { ServiceError } from "../../errors.ts";
import { BrokenBody, isBrokenJson } from "../broken-body.ts";
import type { BrokenSpan } from "./broken.ts";
import type { Parameters, ReaderVerbs, Result, WriterVerbs } from "./verbs.ts";
import { ReaderPool, type Read, type Weight } from "./readers.ts";
import { Shredding } from "./columns/backfill.ts";
import { StateLog, spawnThread, StoreThread, type Spawn } from "./thread.ts";
import { silent, type Log } from "../../log.ts";

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
  readonly shredding = new Shredding(() => this.#shredOne());
  readonly #log: Log;
  #ready = false;
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
    await this.shredding.close();
    // The writer closes last, since the last one to close the file tidies it up.
    await this.#readers.close();
    await this.#writer.close();
  }

  async #shredOne(): Promise<boolean> {
    const columns = await this.read("heavy", "nextColumns");
    if (columns !== undefined) await this.write("putColumns", columns);
    return columns !== undefined;
  }

  write<K extends keyof WriterVerbs>(
    verb: K,
    ...parameters: Parameters<WriterVerbs, K>
  ): Promise<Result<WriterVerbs, K>> {
    if (this.#closing !== undefined) return Promise.reject(new ServiceError("STORE_UNAVAILABLE"));
    return this.#writer.call(verb, ...parameters);
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
    if (!this.#ready) await this.ping();
    if (this.#broken === undefined) await this.#lookAround();
    try {
      return await this.#readers.call(read, verb, ...parameters);
    } catch (error) {
      if (!(error instanceof BrokenBody)) throw error;
      return await this.#withoutBroken(() => this.#readers.call(read, verb, ...parameters));
    }
  }

  /** The checks and the work before the first read. */
  async #lookAround(): Promise<void> {
    const quick = { weight: "quick" } as const;
    this.#broken = await this.#readers.call(quick, "brokenSpans");
    // An earlier version, or a killed process, may have left chunks without columns.
    if (await this.#readers.call(quick, "lacksColumns")) this.shredding.wake();
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
    if (found.length > 0) await this.write("setAside", found);
    for (const { project, id } of found) {
      this.#log.error({ project, event: id }, "event is damaged and was set aside");
    }
    this.#broken = await this.#readers.call({ weight: "quick" }, "brokenSpans");
  }
}
