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
