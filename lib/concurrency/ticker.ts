export interface TickerOptions {
  /** The longest time between two runs. */
  readonly everyMs: number;
  /**
   * The pause after a run, as a multiple of the run's time: so the task never takes the whole
   * machine.
   */
  readonly restFactor: number;
  /** The least pause after a run that left nothing to do, milliseconds. Default 0. */
  readonly restMs?: number;
}

/**
 * The longest pause before work that a run has left, milliseconds: where runs are long because a
 * server is slow, longer pauses would hardly spare it and leave the work undone.
 */
const mostRestMs = 5_000;

/** `more`: the run has left work that is to follow soon. */
export type Run = "more" | void;

/** Runs work again and again, one run at a time, with a pause after each run. */
export class Ticker {
  readonly #work: (signal: AbortSignal) => Promise<Run>;
  readonly #everyMs: number;
  readonly #restFactor: number;
  readonly #restMs: number;
  readonly #onError: (error: unknown) => void;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #restUntil = 0;
  #woken = false;
  readonly #stopping = new AbortController();

  /** @param work gets a signal that is aborted when the ticker is to stop */
  constructor(
    work: (signal: AbortSignal) => Promise<Run>,
    { everyMs, restFactor, restMs = 0 }: TickerOptions,
    onError: (error: unknown) => void,
  ) {
    this.#work = work;
    this.#everyMs = everyMs;
    this.#restFactor = restFactor;
    this.#restMs = restMs;
    this.#onError = onError;
    this.#schedule(0);
  }

  wake(): void {
    this.#woken = true;
    if (this.#running === undefined) this.#schedule(this.#restLeftMs());
  }

  /** Waits for the run under way. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    clearTimeout(this.#timer);
    await this.#running;
  }

  #schedule(delayMs: number): void {
    clearTimeout(this.#timer);
    if (this.#stopping.signal.aborted) return;
    this.#timer = setTimeout(() => {
      this.#running = this.#run().finally(() => {
        this.#running = undefined;
        this.#schedule(this.#woken ? this.#restLeftMs() : this.#everyMs);
      });
    }, delayMs);
  }

  #restLeftMs(): number {
    return Math.max(0, this.#restUntil - performance.now());
  }

  async #run(): Promise<void> {
    const startedAt = performance.now();
    this.#woken = false;
    const run = await this.#work(this.#stopping.signal).catch(this.#onError);
    this.#woken ||= run === "more";
    const now = performance.now();
    const restMs = (now - startedAt) * this.#restFactor;
    this.#restUntil =
      now + (run === "more" ? Math.min(mostRestMs, restMs) : Math.max(this.#restMs, restMs));
  }
}
