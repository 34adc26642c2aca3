interface Shared<T> {
  readonly result: Promise<T>;
  readonly stop: AbortController;
  waiting: number;
}

/**
 * Does work once for all callers that ask for the same at the same time, and stops it once all of
 * them have left.
 */
export class SharedWork<T> {
  readonly #underWay = new Map<string, Shared<T>>();

  /**
   * @param key names the work: callers with the same key share the work under way
   * @param begin begins the work; its signal is aborted when nobody waits any more
   * @throws what the work throws; the signal's reason as soon as that is aborted
   */
  async ask(
    key: string,
    signal: AbortSignal | undefined,
    begin: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    signal?.throwIfAborted();
    const shared = this.#underWay.get(key) ?? this.#begin(key, begin);
    shared.waiting += 1;
    if (signal === undefined) return shared.result;
    const left = Promise.withResolvers<never>();
    const leave = () => {
      shared.waiting -= 1;
      if (shared.waiting === 0) this.#stop(key, shared, signal.reason);
      left.reject(signal.reason as Error);
    };
    signal.addEventListener("abort", leave, { once: true });
    try {
      return await Promise.race([shared.result, left.promise]);
    } finally {
      signal.removeEventListener("abort", leave);
    }
  }

  #begin(key: string, begin: (signal: AbortSignal) => Promise<T>): Shared<T> {
    const stop = new AbortController();
    const shared: Shared<T> = { result: begin(stop.signal), stop, waiting: 0 };
    this.#underWay.set(key, shared);
    const ended = () => this.#forget(key, shared);
    shared.result.then(ended, ended);
    return shared;
  }

  /** Later callers begin the work anew. */
  #stop(key: string, shared: Shared<T>, reason: unknown): void {
    this.#forget(key, shared);
    shared.stop.abort(reason);
  }

  #forget(key: string, shared: Shared<T>): void {
    if (this.#underWay.get(key) === shared) this.#underWay.delete(key);
  }
}
