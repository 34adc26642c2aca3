import { ServiceError } from "../errors.ts";
import { Lane } from "../lane.ts";
import type { Parameters, ReaderVerbs, Result } from "./sqlite-protocol.ts";
import type { StoreThread } from "./sqlite-thread.ts";

/**
 * - `quick`: somebody waits, and it takes a few milliseconds at most.
 * - `steady`: work of the background, each piece short, many at a time.
 * - `heavy`: may take seconds.
 */
export type Weight = "quick" | "steady" | "heavy";

interface Reader {
  readonly thread: StoreThread<ReaderVerbs>;
  heavy: number;
}

/**
 * The reading threads. A read goes to the least busy one; a thread is added only when all are busy.
 * A quick read waits for a few short ones at most: of steady reads there are no more at a time than
 * threads, and of heavy ones less, so that one thread has none. The others wait here, first come,
 * first served.
 */
export class ReaderPool {
  readonly #size: number;
  readonly #start: () => StoreThread<ReaderVerbs>;
  readonly #readers: Reader[] = [];
  readonly #steady: Lane;
  readonly #heavy: Lane;
  #closed = false;

  constructor(size: number, start: () => StoreThread<ReaderVerbs>) {
    this.#size = size;
    this.#start = start;
    this.#steady = new Lane(size);
    this.#heavy = new Lane(Math.max(1, size - 1));
  }

  async call<K extends keyof ReaderVerbs>(
    weight: Weight,
    verb: K,
    ...parameters: Parameters<ReaderVerbs, K>
  ): Promise<Result<ReaderVerbs, K>> {
    const read = () => this.#leastBusy().thread.call(verb, ...parameters);
    if (weight === "quick") return read();
    if (weight === "steady") return this.#steady.run(read);
    return this.#heavy.run(async () => {
      const reader = this.#leastBusy();
      reader.heavy += 1;
      try {
        return await reader.thread.call(verb, ...parameters);
      } finally {
        reader.heavy -= 1;
      }
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#readers.map(({ thread }) => thread.close()));
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
