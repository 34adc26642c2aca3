/**
 * The waits for something that happens under a key, of several owners. One owner holds a bounded
 * number of them. A wait that has ended leaves nothing behind.
 */
export class Waits {
  readonly #mostOfOne: number;
  readonly #byKey = new Map<string, Set<Wait>>();
  readonly #owned = new Map<string, number>();

  /** @param mostOfOne how many waits one owner may hold at a time */
  constructor(mostOfOne: number) {
    this.#mostOfOne = mostOfOne;
  }

  /** How many waits are held, of all owners. */
  get size(): number {
    return [...this.#owned.values()].reduce((sum, count) => sum + count, 0);
  }

  /**
   * Waits, until the work has ended, to be woken under a key.
   * @returns what the work returns; `undefined`, without beginning it, where the owner holds as many
   *   waits as it may
   */
  async during<T>(
    owner: string,
    key: string,
    work: (wait: Wait) => Promise<T>,
  ): Promise<T | undefined> {
    const held = this.#owned.get(owner) ?? 0;
    if (held >= this.#mostOfOne) return undefined;
    const wait = new Wait();
    this.#owned.set(owner, held + 1);
    this.#ofKey(key).add(wait);
    try {
      return await work(wait);
    } finally {
      this.#end(owner, key, wait);
    }
  }

  /** Wakes those that wait under a key. */
  wake(key: string): void {
    for (const wait of this.#byKey.get(key) ?? []) wait.wake();
  }

  #ofKey(key: string): Set<Wait> {
    const known = this.#byKey.get(key) ?? new Set<Wait>();
    this.#byKey.set(key, known);
    return known;
  }

  #end(owner: string, key: string, wait: Wait): void {
    const left = this.#owned.get(owner)! - 1;
    if (left === 0) this.#owned.delete(owner);
    else this.#owned.set(owner, left);
    const others = this.#ofKey(key);
    others.delete(wait);
    if (others.size === 0) this.#byKey.delete(key);
  }
}

/** One wait, which may be woken many times. */
export class Wait {
  #isWoken = false;
  #end: (() => void) | undefined;

  wake(): void {
    this.#isWoken = true;
    this.#end?.();
  }

  /** Resolves when it is woken, or was since the last call; at the latest after `ms`. */
  async next(ms: number): Promise<void> {
    if (!this.#isWoken) {
      const woken = Promise.withResolvers<void>();
      this.#end = woken.resolve;
      await within(ms, woken.promise);
      this.#end = undefined;
    }
    this.#isWoken = false;
  }
}

/**
 * Waits for work, but no longer than `ms`, whatever the work does then.
 * @returns `undefined` where the time was over first
 * @throws what the work throws before that
 */
export async function within<T>(ms: number, work: Promise<T>): Promise<T | undefined> {
  const over = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => over.resolve(undefined), ms);
  try {
    return await Promise.race([work, over.promise]);
  } finally {
    clearTimeout(timer);
  }
}
