/** A proven instant older than this is still used, while a new proof is made in the background. */
const renewAfterMs = 50;

/** A proven instant older than this is not used: the caller waits for a new proof. */
const maxAgeMs = 100;

/**
 * The two clocks may drift apart by this much between two looks; a larger difference means that the
 * clock was set.
 */
const driftMs = 20;

/** Two clocks: epoch milliseconds, which somebody may set, and milliseconds that only grow. */
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
  readonly #prove: (requestedAt: number) => Promise<number>;
  readonly #clock: Clock;
  #reach = 0;
  #provenAt = -Infinity;
  /**
   * How far the wall clock was ahead of the steady clock at the last look, and when that look was.
   */
  #seen: { readonly aheadMs: number; readonly at: number };
  #proving: Promise<void> | undefined;

  /**
   * @param prove returns the instant that all accepted events are stored up to, at most `requestedAt`;
   *   where it rejects, the last proven instant stays
   */
  constructor(prove: (requestedAt: number) => Promise<number>, clock: Clock = systemClock) {
    this.#prove = prove;
    this.#clock = clock;
    this.#seen = { aheadMs: clock.now() - clock.steady(), at: clock.now() };
  }

  /**
   * Returns an instant that was proven before this call resolves, by a proof that began at most 100
   * ms before the call. Never rejects.
   */
  async reach(): Promise<number> {
    this.#noticeSetting();
    const ageMs = this.#clock.steady() - this.#provenAt;
    if (ageMs >= renewAfterMs)
      this.#proving ??= this.#ask().finally(() => (this.#proving = undefined));
    if (ageMs >= maxAgeMs) await this.#proving;
    return this.#reach;
  }

  async #ask(): Promise<void> {
    const requestedAt = this.#clock.now();
    const steadyAt = this.#clock.steady();
    try {
      this.#reach = await this.#prove(requestedAt);
      this.#provenAt = steadyAt;
    } catch {
      // `prove` reports its own failure. The instant that was proven before stays true.
    } finally {
      this.#noticeSetting();
    }
  }

  /**
   * Forgets what a clock that was set back makes untrue. Such a clock shows the same instants a
   * second time, and a proof about the first time says nothing about the second. The earliest
   * instant that can come again is the clock's last reading less the step back.
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
