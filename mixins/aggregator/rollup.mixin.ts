import { KnownAnswer } from "../../lib/concurrency/coalesce.ts";
import { Ticker, type Run, type TickerOptions } from "../../lib/concurrency/ticker.ts";
import type { Config } from "../../lib/config.ts";
import { grains, type Grain } from "../../lib/counting/bucket.ts";
import { defineMixin } from "../../lib/moleculer.ts";
import { rollUp } from "../../lib/store/protocol.ts";
import type { DirtyBacklog } from "../../lib/health.ts";
import type { StillChanging } from "../../lib/store/store.ts";
import { StoreMixin } from "../store.mixin.ts";

/**
 * The most buckets of one pass: few, so that other work gets its turn at the store between two
 * passes.
 */
const passSize = 250;
const sweepEveryMs = 1_000;

/**
 * The least pause between two passes. Under load the current minute gets marked all the time, and
 * each pass sums and writes it anew; until the next pass answers sum its deltas.
 */
const passRestMs = 250;

/**
 * When an hour or day that is marked again and again is written: once no mark has come for
 * `quietMs`, and at the latest `latestMs` after its first mark. Until then answers sum its minutes.
 */
const quietMs = 2_000;
const latestMs = 30_000;

const ticking = { everyMs: sweepEveryMs, restFactor: 2, restMs: passRestMs };

/**
 * Gives a service `this.sweep()`, one pass over the dirty buckets, the loop that runs it
 * (`startTicking`, `wake`), and `this.backlog`, the number and age of the marks.
 */
export function RollupMixin(config: Config) {
  return defineMixin<{ state: { backlog: KnownAnswer<DirtyBacklog> } }>()({
    mixins: [StoreMixin(config), TickerMixin(ticking)],
    methods: {
      /**
       * Works off the dirty buckets, the finest grain first, so that a parent is summed once for
       * all its children.
       * @returns `more` where more buckets may be dirty than one pass takes
       */
      async sweep(): Promise<Run> {
        const startedAt = performance.now();
        let buckets = 0;
        for (const grain of grains) buckets += await this.rollUpGrain(grain);
        if (buckets === 0) return undefined;
        this.metrics.observe(
          "analytics_rollup_pass_seconds",
          (performance.now() - startedAt) / 1000,
        );
        return buckets >= passSize ? "more" : undefined;
      },
      async rollUpGrain(grain: Grain): Promise<number> {
        const { buckets } = await rollUp(
          this.store,
          grain,
          passSize,
          stillChangingOf(grain, Date.now()),
        );
        this.metrics.increment("analytics_rollups_written_total", { grain }, buckets);
        return buckets;
      },
      drain(): Promise<void> {
        return this.stopTicking();
      },
    },
    created() {
      // Callers ask for the health once a second: without sharing, requests to a slow store would
      // pile up.
      this.backlog = new KnownAnswer(() => this.store.dirtyBacklog());
    },
    async stopped() {
      await this.stopTicking();
    },
  });
}

export interface Ticking {
  startTicking(work: () => Promise<Run>): void;
  wake(): void;
  stopTicking(): Promise<void>;
}

/**
 * Gives a service a loop: `this.startTicking(work)` runs `work` repeatedly, one run at a time,
 * `this.wake()` requests a run soon, `this.stopTicking()` waits for the run under way. Work that
 * throws is logged and tried again at the next turn; work that returns `more` is run again soon.
 */
export function TickerMixin(options: TickerOptions) {
  return defineMixin<{ state: { ticker: Ticker | null } }>()({
    methods: {
      startTicking(work: () => Promise<Run>): void {
        const onError = (error: unknown) =>
          this.logger.warn({ err: error }, "background work failed and will be tried again");
        this.ticker = new Ticker(work, options, onError);
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

function stillChangingOf(grain: Grain, now: number): StillChanging | undefined {
  if (grain === "minute") return undefined;
  return { now, renewedSince: now - quietMs, markedSince: now - latestMs };
}
