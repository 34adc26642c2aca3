import { loadConfig, type Config } from "../lib/config.ts";
import { defaultProject } from "../lib/event/event.ts";
import { aggregatorHealth } from "../lib/health.ts";
import { defineService } from "../lib/moleculer.ts";
import { audit } from "../lib/store/audit.ts";
import { RollupMixin } from "../mixins/aggregator/rollup.mixin.ts";

/**
 * Turns deltas into minute, hour and day rollups: it recomputes dirty buckets, woken by stored
 * events and by a sweep. Any number may run; none is needed for a right answer, only for a fast
 * one.
 */
export const aggregator = (config: Config) =>
  defineService(
    "aggregator",
    RollupMixin(config),
  )({
    actions: {
      audit: {
        visibility: "public",
        async handler(ctx) {
          const report = await audit(this.store, ctx.meta.project ?? defaultProject, ctx.params);
          this.metrics.set("analytics_rollup_drift", report.drift.length);
          return report;
        },
      },
      health: {
        visibility: "public",
        async handler() {
          return aggregatorHealth(await this.store.dirtyBacklog(), Date.now());
        },
      },
    },
    events: {
      "events.stored"() {
        this.wake();
      },
    },
    started() {
      this.startTicking(() => this.sweep());
    },
  });

export default aggregator(loadConfig());
