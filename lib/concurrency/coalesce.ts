/**
 * Shares an answer that must not be older than its question: a caller that asks while one is being
 * found waits for the next one, which all who asked meanwhile get. However many ask, and however
 * many gave up waiting, two are the most that is ahead of anyone.
 */
export class FreshAnswer<T> {
  readonly #find: () => Promise<T>;
  #underWay: Promise<unknown> | null = null;
  #next: Promise<T> | null = null;

  constructor(find: () => Promise<T>) {
    this.#find = find;
  }

  /** Rejects as the finding does; the next one is tried all the same. */
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
