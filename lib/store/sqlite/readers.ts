import { ServiceError } from "../../errors.ts";
import { Semaphore } from "../../concurrency/semaphore.ts";
import type { Parameters, ReaderVerbs, Result } from "./verbs.ts";
import type { StoreThread } from "./thread.ts";

/**
 * - `quick`: a caller waits, and it takes a few milliseconds at most.
 * - `steady`: work of the background, each piece short, many at a time.
 * - `heavy`: may take seconds.
 */
export type Weight = "quick" | "steady" | "heavy";

export interface Read {
  readonly weight: Weight;
  /** Aborted when nobody waits any more. */
  readonly signal?: AbortSignal;
}

interface Reader {
  readonly thread: StoreThread<ReaderVerbs>;
  heavy: number;
}

/**
 * The reading threads. A read goes to the least busy one; a thread is added only when all are busy.
 * One of them takes no heavy reads, so that a quick read waits for a few short ones at most; the
 * others run at a lower priority than the event loop. At a time there are no more steady reads than
 * threads, and one heavy read less: further ones wait here, first come, first served.
 */
export class ReaderPool {
  readonly #size: number;
  readonly #start: (givesWay: boolean) => StoreThread<ReaderVerbs>;
  readonly #steady: Semaphore;
  readonly #heavy: Semaphore;
  #first: Reader | undefined;
  readonly #others: Reader[] = [];
  #closed = false;

  /** @param start starts a thread, of lower priority where it `givesWay` */
  constructor(size: number, start: (givesWay: boolean) => StoreThread<ReaderVerbs>) {
    this.#size = size;
    this.#start = start;
    this.#steady = new Semaphore(size);
    this.#heavy = new Semaphore(Math.max(1, size - 1));
  }

  /** @throws ServiceError CALLER_LEFT where nobody waits any more */
  async call<K extends keyof ReaderVerbs>(
    { weight, signal }: Read,
    verb: K,
    ...parameters: Parameters<ReaderVerbs, K>
  ): Promise<Result<ReaderVerbs, K>> {
    const read = () => this.#leastBusy(weight).thread.callFor(signal, verb, ...parameters);
    if (weight === "quick") return read();
    if (weight === "steady") return this.#steady.run(read, signal);
    return this.#heavy.run(async () => {
      const reader = this.#leastBusy(weight);
      reader.heavy += 1;
      try {
        return await reader.thread.callFor(signal, verb, ...parameters);
      } finally {
        reader.heavy -= 1;
      }
    }, signal);
  }

  /**
   * How many reads the threads have: those that are carried out, and those that wait for a thread.
   */
  get pending(): number {
    return this.#all().reduce((sum, { thread }) => sum + thread.pending, 0);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#all().map(({ thread }) => thread.close()));
  }

  #all(): readonly Reader[] {
    return this.#first === undefined ? this.#others : [this.#first, ...this.#others];
  }

  /** The least busy thread that takes such reads; it may be a new one. */
  #leastBusy(weight: Weight): Reader {
    if (this.#closed) throw new ServiceError("STORE_UNAVAILABLE");
    const readers = [...this.#others];
    if (weight !== "heavy" || this.#size === 1)
      readers.unshift((this.#first ??= this.#reader(false)));
    const [idlest] = readers.sort((a, b) => load(a) - load(b));
    const isFull = this.#others.length >= this.#size - 1;
    if (idlest !== undefined && (load(idlest) === 0 || isFull)) return idlest;
    const reader = this.#reader(true);
    this.#others.push(reader);
    return reader;
  }

  #reader(givesWay: boolean): Reader {
    return { thread: this.#start(givesWay), heavy: 0 };
  }
}

/** A thread with a heavy read counts as busiest, so quick reads avoid it. */
function load({ thread, heavy }: Reader): number {
  return thread.pending + heavy * 1_000;
}
