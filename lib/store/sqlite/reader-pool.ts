import { Semaphore } from "../../concurrency/semaphore.ts";
import { ServiceError } from "../../errors.ts";
import type { StoreThread } from "./thread.ts";
import type { Parameters, ReaderVerbs, Result } from "./verbs.ts";

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
  /** Ends the thread; set while it has no calls. */
  end?: NodeJS.Timeout;
}

/** What a new thread takes to start, or more: a queue that is over before that needs none. */
const patienceMs = 100;

/** Threads besides the first, 20 MB each, end when they had no calls for so long: a visitor finds them warm. */
const idleMs = 600_000;

/**
 * The reading threads. A read goes to the least busy one; a thread is added only when all are busy
 * with a heavy read or have been busy for a while, and ends when it was not needed for ten minutes.
 * One of them takes no heavy reads, so that a quick read waits for a few short ones at most; the
 * others run at a lower priority than the event loop. At a time there are no more steady reads than
 * threads, and one heavy read less: further ones wait here, first come, first served.
 */
export class ReaderPool {
  readonly #size: number;
  readonly #start: (givesWay: boolean) => StoreThread<ReaderVerbs>;
  readonly #steady: Semaphore;
  readonly #heavyAtOnce: number;
  readonly #heavy: Semaphore;
  readonly #without = new Semaphore(1);
  #first: Reader | undefined;
  readonly #others: Reader[] = [];
  #ending: Promise<unknown> = Promise.resolve();
  #closed = false;

  /** @param start starts a thread, of lower priority where it `givesWay` */
  constructor(size: number, start: (givesWay: boolean) => StoreThread<ReaderVerbs>) {
    this.#size = size;
    this.#start = start;
    this.#steady = new Semaphore(size);
    this.#heavyAtOnce = Math.max(1, size - 1);
    this.#heavy = new Semaphore(this.#heavyAtOnce);
  }

  /** @throws ServiceError CALLER_LEFT where nobody waits any more */
  async call<K extends keyof ReaderVerbs>(
    { weight, signal }: Read,
    verb: K,
    ...parameters: Parameters<ReaderVerbs, K>
  ): Promise<Result<ReaderVerbs, K>> {
    const read = async () => {
      const reader = this.#leastBusy(weight);
      clearTimeout(reader.end);
      if (weight === "heavy") reader.heavy += 1;
      try {
        return await reader.thread.callFor(signal, verb, ...parameters);
      } finally {
        if (weight === "heavy") reader.heavy -= 1;
        this.#endIfIdle(reader);
      }
    };
    if (weight === "quick") return read();
    return (weight === "steady" ? this.#steady : this.#heavy).run(read, signal);
  }

  #endIfIdle(reader: Reader): void {
    if (reader === this.#first || reader.thread.pending > 0) return;
    clearTimeout(reader.end);
    reader.end = setTimeout(() => {
      this.#others.splice(this.#others.indexOf(reader), 1);
      this.#ending = Promise.all([this.#ending, reader.thread.close()]);
    }, idleMs).unref();
  }

  /** Whether a heavy read is carried out. */
  get hasHeavy(): boolean {
    return this.#all().some(({ heavy }) => heavy > 0);
  }

  /** Does work while no heavy read is carried out: those that were begun before end first. */
  withoutHeavy<T>(work: () => Promise<T>): Promise<T> {
    const inTurn = (turns: number): Promise<T> =>
      turns === 0 ? work() : this.#heavy.run(() => inTurn(turns - 1));
    // Two that each had some of the turns would wait for each other.
    return this.#without.run(() => inTurn(this.#heavyAtOnce));
  }

  /**
   * How many reads the threads have: those that are carried out, and those that wait for a thread.
   */
  get pending(): number {
    return this.#all().reduce((sum, { thread }) => sum + thread.pending, 0);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const { end } of this.#all()) clearTimeout(end);
    await Promise.all([this.#ending, ...this.#all().map(({ thread }) => thread.close())]);
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
    if (idlest !== undefined && (isFull || isSoonFree(idlest))) return idlest;
    const reader = this.#reader(true);
    this.#others.push(reader);
    return reader;
  }

  #reader(givesWay: boolean): Reader {
    return { thread: this.#start(givesWay), heavy: 0 };
  }
}

function isSoonFree({ thread, heavy }: Reader): boolean {
  return heavy === 0 && thread.busyMs < patienceMs;
}

/** A thread with a heavy read counts as busiest, so quick reads avoid it. */
function load({ thread, heavy }: Reader): number {
  return thread.pending + heavy * 1_000;
}
