/** The most answers that are kept; the oldest goes where there are more. */
const most = 1_000;

/**
 * Keeps the answers of reads until something is written. An answer is what a read begun at the time
 * of the call would return, provided that every write goes through `write`.
 */
export class KeptReads {
  readonly #answers = new Map<string, Promise<unknown>>();
  #writing = 0;

  /**
   * @param key names the read and what it asks for
   * @param read called where no answer is kept, and while something is written
   */
  read<T>(key: string, read: () => Promise<T>): Promise<T> {
    if (this.#writing > 0) return read();
    const kept = this.#answers.get(key);
    if (kept !== undefined) return kept as Promise<T>;
    const answer = read();
    this.#answers.set(key, answer);
    const [oldest] = this.#answers.keys();
    if (this.#answers.size > most && oldest !== undefined) this.#answers.delete(oldest);
    answer.catch(() => {
      if (this.#answers.get(key) === answer) this.#answers.delete(key);
    });
    return answer;
  }

  /** A write that failed may have been carried out. */
  async write<Result>(write: () => Promise<Result>): Promise<Result> {
    this.#answers.clear();
    this.#writing += 1;
    try {
      return await write();
    } finally {
      this.#writing -= 1;
    }
  }
}
