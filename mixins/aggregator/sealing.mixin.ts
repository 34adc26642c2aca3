import { Ticker } from "../../lib/concurrency/ticker.ts";
import { defineMixin } from "../../lib/moleculer.ts";
import type { Storing } from "../store.mixin.ts";

const everyMs = 5_000;

/** After a pass the sealer rests at least this many times as long as the pass took. */
const restFactor = 2;

/**
 * Gives a service a sealer: it turns stored events into columns, for stores that need that
 * (`EventStore.seal`). Any number of processes may run it at once.
 */
export function SealingMixin() {
  return defineMixin<{ state: { sealer: Ticker | null }; needs: Storing }>()({
    methods: {
      startSealing(): void {
        if (this.store.seal === undefined) return;
        this.sealer = new Ticker(
          () => this.sealSome(),
          { everyMs, restFactor },
          (error) => this.logger.warn({ err: error }, "events could not be sealed"),
        );
      },

      async sealSome(): Promise<void> {
        const sealed = await this.store.seal?.(Date.now());
        if (sealed === undefined) return;
        this.metrics.increment("analytics_events_sealed_total", {}, sealed.events);
        this.metrics.increment("analytics_events_merged_total", {}, sealed.merged);
        if (sealed.isMore) this.sealer?.wake();
      },
    },
    created() {
      this.sealer = null;
    },
    async stopped() {
      await this.sealer?.stop();
      this.sealer = null;
    },
  });
}
