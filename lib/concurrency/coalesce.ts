/**
 * Shares an answer that must be newer than its question. A caller that asks while an answer is
 * being found waits for the next one, which all callers of that time share. So at most two rounds
 * are ahead of any caller, however many ask or have given up.
 */
export class FreshAnswer<T> {
  readonly #find: () => Promise<T>;
  #underWay: Promise<unknown> | null = null;
  #next: Promise<T> | null = null;

  constructor(find: () => Promise<T>) {
    this.#find = find;
  }

  /** Rejects when the round fails; the next round is tried all the same. */
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

/** What is known of something that is found again and again, for whoever cannot wait long for it. */
export interface Known<T> {
  /** The last one that was found; null where none was yet. */
  readonly value: T | null;
  /** How long the one after it has been looked for, milliseconds; 0 where it was found in time. */
  readonly lateMs: number;
}

/** A `FreshAnswer` that is told of as far as it is known in time. */
export class KnownAnswer<T> {
  readonly #fresh: FreshAnswer<T>;
  #value: T | null = null;
  /** Since when one is looked for without result; null where none is. */
  #soughtAt: number | null = null;

  constructor(find: () => Promise<T>) {
    this.#fresh = new FreshAnswer(find);
  }

  /** Rejects as the finding does, where it does so in time. */
  async within(ms: number): Promise<Known<T>> {
    const soughtAt = (this.#soughtAt ??= performance.now());
    const fresh = this.#find();
    // It may fail when nobody waits for it any more.
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
