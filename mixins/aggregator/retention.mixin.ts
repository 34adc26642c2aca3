import { randomUUID } from "node:crypto";
import { Ticker, type Run } from "../../lib/concurrency/ticker.ts";
import type { Config } from "../../lib/config.ts";
import type { Meta } from "../../lib/contracts.ts";
import { noFloors, type Retention } from "../../lib/counting/floors.ts";
import { defaultProject } from "../../lib/event/event.ts";
import { defineMixin } from "../../lib/moleculer.ts";
import { shownAges, shownFloors, type ShownRetention } from "../../lib/questions/retention.ts";
import { isFree, turnMs, type Worker } from "../../lib/store/job-progress.ts";
import type { KeptJob } from "../../lib/store/jobs.ts";
import {
  beginRetentions,
  carryOutRetention,
  everyRetention,
  retentionOf,
  isHeldUp,
  setRetention,
} from "../../lib/store/retention.ts";
import type { ActContext, Administering } from "../acts.mixin.ts";
import type { Storing } from "../store.mixin.ts";

/** The interval at which it looks for new projects. */
const beginEveryMs = 3_600_000;

/**
 * The interval at which it looks whether something is due, or was left by a process that died:
 * floors rise once a day.
 */
const everyMs = 20_000;

interface State {
  retention: Ticker | null;
  isRetentionEnding: boolean;
  /** The name of this process among the processes that carry out retentions. */
  retentionOwner: string;
  retentionsBegunAt: number;
  heldUpRetentions: Set<string>;
}

/**
 * Gives a service the retention of projects: it keeps their settings and drops events that are too
 * old, of one project after the other, each for some seconds in its turn. Any number of processes
 * may run it.
 */
export function RetentionMixin({ retention: otherwise }: Config) {
  return defineMixin<{ state: State; needs: Storing & Administering }>()({
    methods: {
      startRetention(): void {
        this.retention = new Ticker(
          () => this.retainAll(),
          { everyMs, restFactor: 0 },
          (error) => this.logger.warn({ err: error }, "retentions could not be read"),
        );
      },

      async retainAll(): Promise<Run> {
        await this.beginRetentions();
        const worker: Worker = {
          store: this.store,
          owner: this.retentionOwner,
          now: Date.now,
          isEnding: () => this.isRetentionEnding,
          turnMs,
        };
        let dropped = 0;
        for await (const job of everyRetention(this.store)) {
          if (this.isRetentionEnding) return undefined;
          if (isFree(job, worker.owner, Date.now())) dropped += await this.retain(worker, job);
        }
        return dropped > 0 ? "more" : undefined;
      },

      /** Continues a project's retention. @returns how many rows were dropped */
      async retain(worker: Worker, job: KeptJob): Promise<number> {
        this.tellHeldUp(job);
        try {
          const dropped = await carryOutRetention(worker, job, otherwise);
          if (dropped === 0) return 0;
          this.metrics.increment("analytics_rows_dropped_total", {}, dropped);
          this.logger.info({ job: job.id, dropped }, "data older than its retention was dropped");
          return dropped;
        } catch (error) {
          // A project whose retention fails must not stop the others.
          this.logger.warn({ err: error, job: job.id }, "a job stopped and will be continued");
          return 0;
        }
      },

      tellHeldUp(job: KeptJob): void {
        if (!isHeldUp(job, Date.now())) {
          this.heldUpRetentions.delete(job.id);
        } else if (!this.heldUpRetentions.has(job.id)) {
          this.heldUpRetentions.add(job.id);
          this.logger.warn(
            { job: job.id },
            "a retention waits: an erasure is open, or counts that it needs are not rolled up",
          );
        }
      },

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
        this.retention?.wake();
        return this.showRetention(ctx);
      },

      /** Applies the default retention to every project, where a default is configured. */
      async beginRetentions(): Promise<void> {
        const { events, minutes, hours, days } = otherwise;
        if ([events, minutes, hours, days].every((age) => age === null)) return;
        const now = performance.now();
        if (now - this.retentionsBegunAt < beginEveryMs) return;
        await beginRetentions(this.store, Date.now());
        this.retentionsBegunAt = now;
      },
    },
    created() {
      this.retention = null;
      this.isRetentionEnding = false;
      this.retentionOwner = randomUUID();
      this.retentionsBegunAt = -Infinity;
      this.heldUpRetentions = new Set();
    },
    async stopped() {
      this.isRetentionEnding = true;
      await this.retention?.stop();
      this.retention = null;
    },
  });
}
