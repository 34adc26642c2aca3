/**
 * Shares an answer that must be newer than its question. A caller that asks while an answer is
 * being found waits for the next one, which all callers of that time share. So at most two rounds
 * come before any caller's answer, however many callers ask or have given up.
 */
export class FreshAnswer<T> {
  readonly #find: () => Promise<T>;
  #underWay: Promise<unknown> | null = null;
  #next: Promise<T> | null = null;

  constructor(find: () => Promise<T>) {
    this.#find = find;
  }

  /** Finds an answer. Rejects if the round fails; the next round is still run. */
  ask(): Promise<T> {
    if (this.#next !== null) return this.#next;
    if (this.#underWay === null) return this.#begin();
    this.#next = this.#underWay.then(() => {
      this.#next = null;
      return this.#begin();
    });
    return this.#next;
  }

  #begin(): Promise<T> {
    const found = this.#find();
    const ended = () => {
      this.#underWay = null;
    };
    this.#underWay = found.then(ended, ended);
    return found;
  }
}

/**
 * The last answer to a question that is asked again and again, for callers who cannot wait long.
 */
export interface Known<T> {
  /** The last answer; null where there was none yet. */
  readonly value: T | null;
  /** How long the next answer has been looked for, milliseconds; 0 where it was found in time. */
  readonly lateMs: number;
}

/** Gives the newest answer, or the last one where the newest takes too long. */
export class KnownAnswer<T> {
  readonly #fresh: FreshAnswer<T>;
  #value: T | null = null;
  /** The instant since which an answer is being looked for; null where none is. */
  #soughtAt: number | null = null;

  constructor(find: () => Promise<T>) {
    this.#fresh = new FreshAnswer(find);
  }

  /**
   * The newest answer if it is found in time, else the last one. Rejects if finding fails in time.
   */
  async within(ms: number): Promise<Known<T>> {
    const soughtAt = (this.#soughtAt ??= performance.now());
    const fresh = this.#find();
    // Finding may fail when nobody waits for it any more.
    fresh.catch(() => undefined);
    const late = Promise.withResolvers<null>();
    const timer = setTimeout(() => late.resolve(null), ms);
    try {
      const found = await Promise.race([fresh, late.promise]);
      if (found !== null) return { value: found.value, lateMs: 0 };
      return { value: this.#value, lateMs: performance.now() - soughtAt };
    } finally {
      clearTimeout(timer);
    }
  }

  async #find(): Promise<{ readonly value: T }> {
    try {
      const value = await this.#fresh.ask();
      this.#value = value;
      return { value };
    } finally {
      this.#soughtAt = null;
    }
  }
}
