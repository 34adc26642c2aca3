import type { Config } from "../../lib/config.ts";
import type { Meta } from "../../lib/contracts.ts";
import { noFloors, type Retention } from "../../lib/counting/floors.ts";
import { defaultProject } from "../../lib/event/event.ts";
import { defineMixin } from "../../lib/moleculer.ts";
import { shownAges, shownFloors, type ShownRetention } from "../../lib/questions/retention.ts";
import type { Worker } from "../../lib/store/job-progress.ts";
import type { KeptJob } from "../../lib/store/jobs.ts";
import {
  beginRetentions,
  carryOutRetention,
  retentionOf,
  setRetention,
} from "../../lib/store/retention.ts";
import type { ActContext, Administering } from "../acts.mixin.ts";
import type { Storing } from "../store.mixin.ts";

/** The interval at which it looks for new projects. */
const beginEveryMs = 3_600_000;

export interface Retaining {
  /** Applies the default retention to every project, where a default is configured. */
  beginRetentions(): Promise<void>;
  /** Continues a project's retention. */
  retain(worker: Worker, job: KeptJob): Promise<void>;
}

/**
 * Gives a service the retention of projects: it keeps their settings and drops events that are too
 * old.
 */
export function RetentionMixin({ retention: otherwise }: Config) {
  return defineMixin<{ state: { retentionsBegunAt: number }; needs: Storing & Administering }>()({
    methods: {
      async showRetention({ meta }: { readonly meta: Meta }): Promise<ShownRetention> {
        const state = await retentionOf(this.store, meta.project ?? defaultProject);
        const own = state?.retention ?? undefined;
        return {
          retention: shownAges(own ?? otherwise),
          isOwn: own !== undefined,
          dropped: shownFloors(state?.lost ?? noFloors),
          refused: shownFloors(state?.refused ?? noFloors),
        };
      },

      async setRetention(ctx: ActContext, retention: Retention): Promise<ShownRetention> {
        const project = ctx.meta.project ?? defaultProject;
        const details = { ...shownAges(retention) };
        const act = { what: "retention.set", target: project, details } as const;
        await this.administered(ctx, act, () =>
          setRetention(this.store, project, retention, Date.now()),
        );
        return this.showRetention(ctx);
      },

      async beginRetentions(): Promise<void> {
        const { events, minutes, hours, days } = otherwise;
        if ([events, minutes, hours, days].every((age) => age === null)) return;
        const now = performance.now();
        if (now - this.retentionsBegunAt < beginEveryMs) return;
        await beginRetentions(this.store, Date.now());
        this.retentionsBegunAt = now;
      },

      async retain(worker: Worker, job: KeptJob): Promise<void> {
        const dropped = await carryOutRetention(worker, job, otherwise);
        if (dropped === 0) return;
        this.broker.metrics.increment("analytics_rows_dropped_total", {}, dropped);
        this.logger.info({ job: job.id, dropped }, "data older than its retention was dropped");
      },
    },
    created() {
      this.retentionsBegunAt = -Infinity;
    },
  });
}
