import { defineMixin } from "../lib/moleculer.ts";

export interface TickerOptions {
  /** The longest time between two runs. */
  readonly everyMs: number;
  /** After a run the next one waits this many times as long as the run took, so it never takes the machine for itself. */
  readonly restFactor: number;
}

export interface Ticking {
  startTicking(work: () => Promise<void>): void;
  wake(): void;
  stopTicking(): Promise<void>;
}

/**
 * Gives a service a loop: `this.startTicking(work)` runs `work` again and again, one at a time,
 * `this.wake()` asks for a run soon, `this.stopTicking()` waits for the run under way. Work that
 * throws is logged and tried again at the next turn.
 */
export function TickerMixin({ everyMs, restFactor }: TickerOptions) {
  return defineMixin<{ ticker: Ticker | null }>()({
    methods: {
      startTicking(work: () => Promise<void>): void {
        this.ticker = new Ticker(work, everyMs, restFactor, (error) =>
          this.logger.warn({ err: error }, "background work failed and will be tried again"),
        );
      },
      wake(): void {
        this.ticker?.wake();
      },
      async stopTicking(): Promise<void> {
        await this.ticker?.stop();
        this.ticker = null;
      },
    },
    created() {
      this.ticker = null;
    },
  });
}

class Ticker {
  readonly #work: () => Promise<void>;
  readonly #everyMs: number;
  readonly #restFactor: number;
  readonly #onError: (error: unknown) => void;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #restUntil = 0;
  #woken = false;
  #stopped = false;

  constructor(
    work: () => Promise<void>,
    everyMs: number,
    restFactor: number,
    onError: (error: unknown) => void,
  ) {
    this.#work = work;
    this.#everyMs = everyMs;
    this.#restFactor = restFactor;
    this.#onError = onError;
    this.#schedule(0);
  }

  wake(): void {
    this.#woken = true;
    if (this.#running === undefined) this.#schedule(this.#restLeftMs());
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  #schedule(delayMs: number): void {
    clearTimeout(this.#timer);
    if (this.#stopped) return;
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
    await this.#work().catch(this.#onError);
    const now = performance.now();
    this.#restUntil = now + (now - startedAt) * this.#restFactor;
  }
}
