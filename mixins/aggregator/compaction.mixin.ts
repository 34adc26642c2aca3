import { Ticker } from "../../lib/concurrency/ticker.ts";
import { defineMixin } from "../../lib/moleculer.ts";
import { compactNext } from "../../lib/store/compaction-job.ts";
import type { Storing } from "../store.mixin.ts";

/** The pause between two days: a year's days take six hours. */
const everyMs = 60_000;

/** After a day's compaction it rests at least this many times as long as the compaction took. */
const restFactor = 9;

interface State {
  compaction: Ticker | null;
  isCompactionEnding: boolean;
}

/**
 * Gives a service the compaction of deltas: each minute it compacts one day of one project, and
 * then goes on to the next. Any number of processes may run it; they share the days.
 */
export function CompactionMixin() {
  return defineMixin<{ state: State; needs: Storing }>()({
    methods: {
      startCompaction(): void {
        this.compaction = new Ticker(
          () => this.compactDay(),
          { everyMs, restFactor },
          (error) => this.logger.warn({ err: error }, "deltas could not be compacted"),
        );
      },

      async compactDay(): Promise<void> {
        const isEnding = () => this.isCompactionEnding;
        const worker = { store: this.store, now: Date.now, isEnding };
        const removed = await compactNext(worker);
        this.metrics.increment("analytics_deltas_compacted_total", {}, removed);
      },
    },
    created() {
      this.compaction = null;
      this.isCompactionEnding = false;
    },
    async stopped() {
      this.isCompactionEnding = true;
      await this.compaction?.stop();
      this.compaction = null;
    },
  });
}
