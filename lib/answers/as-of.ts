/** From this age on a proof is renewed beside what it serves. */
const renewAfterMs = 50;

/** An older proof is not used: the caller waits for a new one. */
const maxAgeMs = 100;

/** Between two looks the two clocks may differ by this much without either having been set. */
const driftMs = 20;

/** Epoch milliseconds, which somebody may set, and milliseconds that only grow. */
interface Clock {
  now(): number;
  steady(): number;
}

const systemClock: Clock = { now: () => Date.now(), steady: () => performance.now() };

/**
 * Caches, for at most 100 ms, the instant up to which every accepted event is stored. Proving it
 * costs a call to every process that holds events. A proven instant stays true, so an older proof
 * serves as well; callers that wait at the same time share one call.
 */
export class AsOf {
  readonly #prove: (askedAt: number) => Promise<number>;
  readonly #clock: Clock;
  #reach = 0;
  #provenAt = -Infinity;
  /** How far the clock was ahead of the steady one at the last look, and when that was. */
  #seen: { readonly aheadMs: number; readonly at: number };
  #asking: Promise<void> | undefined;

  /**
   * @param prove finds out how far it reaches, at most to `askedAt`; where it rejects no more is
   * known than before
   */
  constructor(prove: (askedAt: number) => Promise<number>, clock: Clock = systemClock) {
    this.#prove = prove;
    this.#clock = clock;
    this.#seen = { aheadMs: clock.now() - clock.steady(), at: clock.now() };
  }

  /**
   * An instant that was proven before this resolves, by a question asked at most 100 ms before the
   * call or after it. Never rejects.
   */
  async reach(): Promise<number> {
    this.#noticeSetting();
    const ageMs = this.#clock.steady() - this.#provenAt;
    if (ageMs >= renewAfterMs)
      this.#asking ??= this.#ask().finally(() => (this.#asking = undefined));
    if (ageMs >= maxAgeMs) await this.#asking;
    return this.#reach;
  }

  async #ask(): Promise<void> {
    const askedAt = this.#clock.now();
    const steadyAt = this.#clock.steady();
    try {
      this.#reach = await this.#prove(askedAt);
      this.#provenAt = steadyAt;
    } catch {
      // Told by `prove`. What was proven before stays true.
    } finally {
      this.#noticeSetting();
    }
  }

  /**
   * Where the clock was set back, instants come again: what was proven of them the first time says
   * nothing of the second time. The earliest that can have come again is where it stood at the last
   * look, less the step.
   */
  #noticeSetting(): void {
    const now = this.#clock.now();
    const aheadMs = now - this.#clock.steady();
    const setBackMs = this.#seen.aheadMs - aheadMs;
    if (setBackMs > driftMs) {
      this.#reach = Math.min(this.#reach, this.#seen.at - setBackMs);
      this.#provenAt = -Infinity;
    }
    this.#seen = { aheadMs, at: now };
  }
}
