import { ServiceError } from "../errors.ts";
import type { Parameters, ReaderVerbs, Result } from "./sqlite-protocol.ts";
import type { StoreThread } from "./sqlite-thread.ts";

export type Weight = "quick" | "heavy";

interface Reader {
  readonly thread: StoreThread<ReaderVerbs>;
  heavy: number;
}

/**
 * The reading threads. A read goes to the least busy one; a thread is added only when all are busy.
 * Heavy reads leave one thread free for quick ones: at most one less than there are threads run at a
 * time, in the order they came.
 */
export class ReaderPool {
  readonly #size: number;
  readonly #start: () => StoreThread<ReaderVerbs>;
  readonly #readers: Reader[] = [];
  readonly #queue: (() => void)[] = [];
  #heavy = 0;
  #closed = false;

  constructor(size: number, start: () => StoreThread<ReaderVerbs>) {
    this.#size = size;
    this.#start = start;
  }

  async call<K extends keyof ReaderVerbs>(
    weight: Weight,
    verb: K,
    ...parameters: Parameters<ReaderVerbs, K>
  ): Promise<Result<ReaderVerbs, K>> {
    if (weight === "quick") return this.#leastBusy().thread.call(verb, ...parameters);
    await this.#turn();
    try {
      return await this.#callHeavy(this.#leastBusy(), verb, parameters);
    } finally {
      this.#heavy -= 1;
      this.#queue.shift()?.();
    }
  }

  async #callHeavy<K extends keyof ReaderVerbs>(
    reader: Reader,
    verb: K,
    parameters: Parameters<ReaderVerbs, K>,
  ): Promise<Result<ReaderVerbs, K>> {
    reader.heavy += 1;
    try {
      return await reader.thread.call(verb, ...parameters);
    } finally {
      reader.heavy -= 1;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#readers.map(({ thread }) => thread.close()));
  }

  /** Resolves when a heavy read may run. */
  #turn(): Promise<void> | undefined {
    const start = () => void (this.#heavy += 1);
    if (this.#heavy < Math.max(1, this.#size - 1)) return void start();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#queue.push(() => {
      start();
      resolve();
    });
    return promise;
  }

  #leastBusy(): Reader {
    if (this.#closed) throw new ServiceError("STORE_UNAVAILABLE");
    const [idlest] = this.#readers.toSorted((a, b) => load(a) - load(b));
    if (idlest !== undefined && (load(idlest) === 0 || this.#readers.length === this.#size)) {
      return idlest;
    }
    const reader = { thread: this.#start(), heavy: 0 };
    this.#readers.push(reader);
    return reader;
  }
}

/** Behind a heavy read waits nothing that can go elsewhere. */
function load({ thread, heavy }: Reader): number {
  return thread.pending + heavy * 1_000;
}
