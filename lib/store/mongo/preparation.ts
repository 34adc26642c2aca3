/** The least time between two preparations. */
const minBetweenMs = 60_000;

/**
 * Prepares a connection (creates indexes). The first calls wait for it. After connections were lost
 * the server may have lost its data too, so the first call that succeeds starts another
 * preparation, beside the calls and at most once a minute.
 */
export class Preparation {
  readonly #prepare: () => Promise<void>;
  readonly #minBetweenMs: number;
  #first: Promise<void> | undefined;
  #again: Promise<void> | undefined;
  #isLost = false;
  #preparedAt = -Infinity;

  constructor(prepare: () => Promise<void>, betweenMs = minBetweenMs) {
    this.#prepare = prepare;
    this.#minBetweenMs = betweenMs;
  }

  /**
   * Resolves at once when the connection is prepared. Rejects as the preparation does; the next
   * call tries again.
   */
  ready(): Promise<void> {
    this.#first ??= this.#carryOut().catch((error: unknown) => {
      this.#first = undefined;
      throw error;
    });
    return this.#first;
  }

  /** Notes that a connection ended under a call. */
  lost(): void {
    this.#isLost = true;
  }

  /** Notes that a call has succeeded. */
  worked(): void {
    const isTime = performance.now() - this.#preparedAt >= this.#minBetweenMs;
    if (!this.#isLost || !isTime || this.#again !== undefined) return;
    this.#again = this.#carryOut()
      .catch(() => this.lost())
      .finally(() => (this.#again = undefined));
  }

  /** Resolves when no preparation is under way beside the calls. */
  async idle(): Promise<void> {
    await this.#again;
  }

  async #carryOut(): Promise<void> {
    this.#isLost = false;
    this.#preparedAt = performance.now();
    await this.#prepare();
  }
}
