import type { Config } from "../lib/config.ts";
import { grains, type Grain } from "../lib/event/bucket.ts";
import { defineMixin } from "../lib/moleculer.ts";
import { rollUp } from "../lib/store/protocol.ts";
import { StoreMixin, type Storing } from "./store.mixin.ts";
import { TickerMixin, type Ticking } from "./ticker.mixin.ts";

/** Buckets of one pass: small, so that others get their turn at the store between two passes. */
const passSize = 250;
const sweepEveryMs = 1_000;

/** Gives a service `this.sweep()`, one pass over the dirty buckets, and what runs it: `startTicking`, `wake`. */
export function RollupMixin(config: Config) {
  return defineMixin<Storing & Ticking>()({
    mixins: [StoreMixin(config), TickerMixin({ everyMs: sweepEveryMs, restFactor: 2 })],
    methods: {
      /** Works off what is dirty, finest grain first, so that a parent is summed once for all its children. */
      async sweep(): Promise<void> {
        const startedAt = performance.now();
        let buckets = 0;
        for (const grain of grains) buckets += await this.settle(grain);
        if (buckets === 0) return;
        // More may be dirty than one pass takes.
        if (buckets >= passSize) this.wake();
        this.broker.metrics.observe(
          "analytics_rollup_pass_seconds",
          (performance.now() - startedAt) / 1000,
        );
        void this.broker.emit("rollup.updated", { buckets });
      },
      async settle(grain: Grain): Promise<number> {
        const { buckets } = await rollUp(this.store, grain, passSize);
        this.broker.metrics.increment("analytics_rollups_written_total", { grain }, buckets);
        return buckets;
      },
      drain(): Promise<void> {
        return this.stopTicking();
      },
    },
    async stopped() {
      await this.stopTicking();
    },
  });
}
