/**
 * Runs at most `limit` tasks at once; the rest wait, first come, first served. A caller who leaves
 * is taken off the queue.
 */
export class Semaphore {
  readonly #waiting = new Set<() => void>();
  readonly #maxWaiting: number;
  readonly #overflow: () => Error;
  #free: number;

  /**
   * @param overflow makes the error for a task that would be one of more than `maxWaiting` waiting
   *   ones
   */
  constructor(
    limit: number,
    maxWaiting = Infinity,
    overflow: () => Error = () => new Error("too many wait"),
  ) {
    this.#free = limit;
    this.#maxWaiting = maxWaiting;
    this.#overflow = overflow;
  }

  /** How many tasks wait for their turn. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** @throws the signal's reason where it is aborted before the task begins */
  async run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    if (this.#free > 0) this.#free -= 1;
    else if (this.#waiting.size >= this.#maxWaiting) throw this.#overflow();
    else await this.#turn(signal);
    try {
      return await work();
    } finally {
      this.#next();
    }
  }

  #turn(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const begin = () => {
        signal?.removeEventListener("abort", leave);
        resolve();
      };
      const leave = () => {
        this.#waiting.delete(begin);
        reject(signal!.reason as Error);
      };
      this.#waiting.add(begin);
      signal?.addEventListener("abort", leave, { once: true });
    });
  }

  #next(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#free += 1;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}
