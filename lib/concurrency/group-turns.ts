interface GroupLimits {
  /** How many groups are worked on at a time. */
  readonly turns: number;
  readonly maxItems: number;
  /** A group holds at most this many bytes, unless one piece alone is larger. */
  readonly maxBytes: number;
}

interface Waiting<T, R> {
  readonly value: T;
  readonly sizeBytes: number;
  readonly resolve: (result: R | Promise<R>) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Work that is cheaper together: whatever waits when a turn becomes free is worked on as one group,
 * first come, first served. There is no timer: a piece that finds a free turn goes at once, alone.
 * Pieces that wait for several turns are shared out among them.
 */
export class GroupTurns<T, R> {
  readonly #run: (group: readonly T[]) => Promise<readonly (R | Promise<R>)[]>;
  readonly #limits: GroupLimits;
  readonly #waiting: Waiting<T, R>[] = [];
  #free: number;

  /**
   * @param run works on a group and returns a result, or the promise of one, for each piece in
   *   order; a throw fails all of them
   */
  constructor(
    run: (group: readonly T[]) => Promise<readonly (R | Promise<R>)[]>,
    limits: GroupLimits,
  ) {
    this.#run = run;
    this.#limits = limits;
    this.#free = limits.turns;
  }

  /** Resolves with this piece's result. */
  add(value: T, sizeBytes: number): Promise<R> {
    const { promise, resolve, reject } = Promise.withResolvers<R>();
    this.#waiting.push({ value, sizeBytes, resolve, reject });
    if (this.#free > 0) {
      this.#free -= 1;
      void this.#work();
    }
    return promise;
  }

  /** One turn: works on groups until nothing waits. Never rejects. */
  async #work(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#nextGroup();
      try {
        const results = await this.#run(group.map(({ value }) => value));
        group.forEach(({ resolve }, index) => resolve(results[index] as R | Promise<R>));
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    this.#free += 1;
  }

  #nextGroup(): readonly Waiting<T, R>[] {
    const { turns, maxItems, maxBytes } = this.#limits;
    const share = Math.min(maxItems, Math.ceil(this.#waiting.length / turns));
    let sizeBytes = 0;
    let end = 0;
    for (const piece of this.#waiting.slice(0, share)) {
      sizeBytes += piece.sizeBytes;
      if (end > 0 && sizeBytes > maxBytes) break;
      end += 1;
    }
    return this.#waiting.splice(0, end);
  }
}
