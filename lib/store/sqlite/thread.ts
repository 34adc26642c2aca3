import { Worker } from "node:worker_threads";
import { ServiceError } from "../../errors.ts";
import { BrokenBody } from "./broken-body.ts";
import type {
  ThreadReply,
  ThreadCall,
  Failure,
  Parameters,
  Result,
  ThreadOptions,
} from "./verbs.ts";
import type { Log } from "../../log.ts";

export type Spawn = (file: URL, options: ThreadOptions) => Worker;

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  /** Called when nothing can stop the call any more. */
  readonly settled: () => void;
}

const extension = import.meta.url.endsWith(".ts") ? ".ts" : ".js";
const workerFile = new URL(`../../../workers/store.worker${extension}`, import.meta.url);

/** The least time between two starts of a thread that dies. */
const restartMs = 1_000;

/**
 * The young generation is small: by default a thread's garbage may grow to 48 MB before it is
 * collected. The old one is a ceiling for sums of very many values, not what a thread usually
 * takes.
 */
const resourceLimits = { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 512 };

export const spawnThread: Spawn = (file, options) =>
  new Worker(file, { name: `store-${options.role}`, workerData: options, resourceLimits });

/**
 * The event loop's end of a thread of the store. It starts with the first call; when it dies its
 * pending calls fail, and it starts again with the next call, at most once a second.
 */
export class StoreThread<V> {
  readonly #options: Omit<ThreadOptions, "stops">;
  readonly #spawn: Spawn;
  readonly #log: StateLog;
  readonly #waiting = new Map<number, Waiting>();
  readonly #stops = new Stops();
  #worker: Worker | undefined;
  #startedAt = -Infinity;
  #lastId = 0;
  #answered = false;
  /** Whether the present worker has answered a call. */
  #isUp = false;
  /** By `performance.now()`; `Infinity` while it has no calls, or is starting. */
  #busySince = Infinity;
  #ended: Promise<void> | undefined;

  constructor(options: Omit<ThreadOptions, "stops">, spawn: Spawn, log: StateLog) {
    this.#options = options;
    this.#spawn = spawn;
    this.#log = log;
  }

  /** How many calls wait for an answer. */
  get pending(): number {
    return this.#waiting.size;
  }

  /**
   * For how long it has had calls without a pause, milliseconds; 0 while it has none, and while it
   * starts.
   */
  get busyMs(): number {
    return Math.max(0, performance.now() - this.#busySince);
  }

  /**
   * @throws ServiceError STORE_UNAVAILABLE, INTERNAL where this one call cannot be carried out;
   * Error for a file of a newer version
   */
  call<K extends keyof V & string>(
    verb: K,
    ...parameters: Parameters<V, K>
  ): Promise<Result<V, K>> {
    return this.callFor(undefined, verb, ...parameters);
  }

  /**
   * Makes a call for a caller that may leave: the call then ends soon, if it began at all, and is
   * pending until then. For a caller that has already left nothing is begun.
   * @throws ServiceError also CALLER_LEFT
   */
  callFor<K extends keyof V & string>(
    signal: AbortSignal | undefined,
    verb: K,
    ...parameters: Parameters<V, K>
  ): Promise<Result<V, K>> {
    if (signal?.aborted === true) return Promise.reject(signal.reason as Error);
    const worker = this.#ended === undefined ? this.#running() : undefined;
    if (worker === undefined) return Promise.reject(new ServiceError("STORE_UNAVAILABLE"));
    if (this.#isUp && this.#waiting.size === 0) this.#busySince = performance.now();
    const id = ++this.#lastId;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    worker.postMessage({ id, verb, parameters } satisfies ThreadCall);
    const leave = () => this.#stops.stop(id);
    signal?.addEventListener("abort", leave, { once: true });
    const settled = () => signal?.removeEventListener("abort", leave);
    this.#waiting.set(id, { resolve, reject, settled });
    return promise as Promise<Result<V, K>>;
  }

  /** Carries out the calls made so far, then ends the thread. */
  close(): Promise<void> {
    this.#ended ??= this.#close();
    return this.#ended;
  }

  async #close(): Promise<void> {
    const worker = this.#worker;
    if (worker === undefined) return;
    const exit = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
    worker.postMessage({ id: 0, verb: "close", parameters: [] } satisfies ThreadCall);
    await exit;
  }

  #running(): Worker | undefined {
    if (this.#worker !== undefined) return this.#worker;
    if (performance.now() - this.#startedAt < restartMs) return undefined;
    this.#startedAt = performance.now();
    const { create } = this.#options;
    const worker = this.#spawn(workerFile, {
      ...this.#options,
      create: create && !this.#answered,
      stops: this.#stops.memory,
    });
    worker.on("message", (answers: readonly ThreadReply[]) => {
      for (const answer of answers) this.#settle(answer);
      if (this.#waiting.size === 0) this.#busySince = Infinity;
      else if (!this.#isUp) this.#busySince = performance.now();
      this.#isUp = true;
    });
    worker.on("error", (error: Error) => this.#log.away(error.message));
    worker.on("exit", () => this.#lost());
    this.#worker = worker;
    return worker;
  }

  #settle({ id, value, failure }: ThreadReply): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    waiting?.settled();
    if (failure === undefined) {
      this.#answered = true;
      this.#log.back();
      waiting?.resolve(value);
      return;
    }
    if (failure.kind === "bad") this.#log.refused(failure.reason);
    else if (failure.kind === "away" || failure.kind === "newer")
      this.#log.away(failure.reason, failure.damaged);
    waiting?.reject(errorOf(failure));
  }

  #lost(): void {
    this.#worker = undefined;
    this.#isUp = false;
    this.#busySince = Infinity;
    if (this.#ended === undefined) this.#log.away("the thread ended");
    const lost = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject, settled } of lost) {
      settled();
      reject(new ServiceError("STORE_UNAVAILABLE"));
    }
  }
}

function errorOf({ kind, reason }: Failure): Error {
  if (kind === "newer") return new Error(reason);
  if (kind === "broken") return new BrokenBody(reason);
  if (kind === "expensive") return new ServiceError("QUERY_TOO_EXPENSIVE", reason);
  if (kind === "stopped") return new ServiceError("CALLER_LEFT");
  return new ServiceError(kind === "away" ? "STORE_UNAVAILABLE" : "INTERNAL");
}

/** A later call may take the place of an earlier one; the earlier one then runs to its end. */
const stopPlaces = 1_024;

/**
 * Tells a thread, even while it is busy, which of its calls no caller waits for any more. Both
 * threads share the memory; ids are whole numbers, each used once.
 */
export class Stops {
  readonly memory: SharedArrayBuffer;
  readonly #ids: Int32Array;

  constructor(memory = new SharedArrayBuffer(stopPlaces * Int32Array.BYTES_PER_ELEMENT)) {
    this.memory = memory;
    this.#ids = new Int32Array(memory);
  }

  stop(id: number): void {
    Atomics.store(this.#ids, id % stopPlaces, id | 0);
  }

  has(id: number): boolean {
    return Atomics.load(this.#ids, id % stopPlaces) === (id | 0);
  }
}

/**
 * Logs the state of the threads of one role: one line when they cannot use the file, one when they
 * can again.
 */
export class StateLog {
  readonly #log: Log;
  readonly #fields: object;
  #away = false;
  #damaged = false;

  constructor(log: Log, fields: { readonly file: string; readonly role: string }) {
    this.#log = log;
    this.#fields = fields;
  }

  /** Whether the last call failed because the file could not be used. */
  get isAway(): boolean {
    return this.#away;
  }

  /** Whether a part of the file could not be read, once. */
  get damaged(): boolean {
    return this.#damaged;
  }

  away(reason: string, damaged = false): void {
    this.#damaged ||= damaged;
    if (!this.#away) this.#log.error({ ...this.#fields, reason }, "store is away");
    this.#away = true;
  }

  back(): void {
    if (this.#away) this.#log.info(this.#fields, "store is back");
    this.#away = false;
  }

  refused(reason: string): void {
    this.#log.error({ ...this.#fields, reason }, "store refused a call");
  }
}
