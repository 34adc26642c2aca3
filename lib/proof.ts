/** From this age on a proof is renewed beside what it serves. */
const renewAfterMs = 50;
/** An older proof serves nobody: who asks waits for a new one. */
const maxAgeMs = 100;

/**
 * How far something is known to reach, an instant. Finding it out costs a question to
 * others; since what was proven stays true, a proof of a moment ago serves as well, and all who wait
 * share a question.
 */
export class Proof {
  readonly #prove: (askedAt: number) => Promise<number>;
  readonly #now: () => number;
  #reach = 0;
  #provenAt = -Infinity;
  #asking: Promise<void> | undefined;

  /**
   * @param prove finds out how far it reaches, at most to `askedAt`; where it rejects no more is known than before
   * @param now epoch milliseconds
   */
  constructor(prove: (askedAt: number) => Promise<number>, now: () => number = Date.now) {
    this.#prove = prove;
    this.#now = now;
  }

  /** An instant that was proven before this resolves, by a question asked at most 100 ms before the call or after it. Never rejects. */
  async reach(): Promise<number> {
    const ageMs = this.#now() - this.#provenAt;
    // A clock that was set back makes proofs of the future: those count as old.
    if (!(ageMs >= 0 && ageMs < renewAfterMs)) {
      this.#asking ??= this.#ask().finally(() => (this.#asking = undefined));
    }
    if (!(ageMs >= 0 && ageMs < maxAgeMs)) await this.#asking;
    return this.#reach;
  }

  async #ask(): Promise<void> {
    const askedAt = this.#now();
    try {
      this.#reach = await this.#prove(askedAt);
      this.#provenAt = askedAt;
    } catch {
      // Told by `prove`. What was proven before stays true.
    }
  }
}
