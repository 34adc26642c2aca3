import { loadConfig, type Config } from "../lib/config.ts";
import { defaultProject } from "../lib/event/event.ts";
import { aggregatorHealth } from "../lib/health.ts";
import { defineService } from "../lib/moleculer.ts";
import { audit } from "../lib/store/audit.ts";
import { readAudit, readRebuild } from "../lib/questions/audits.ts";
import { readRetention } from "../lib/questions/retention.ts";
import { readErasure, readErasures } from "../lib/questions/erasing.ts";
import { ActsMixin } from "../mixins/acts.mixin.ts";
import { AuditorMixin } from "../mixins/aggregator/auditor.mixin.ts";
import { CompactionMixin } from "../mixins/aggregator/compaction.mixin.ts";
import { RetentionMixin } from "../mixins/aggregator/retention.mixin.ts";
import { JobsMixin } from "../mixins/aggregator/jobs.mixin.ts";
import { RollupMixin } from "../mixins/aggregator/rollup.mixin.ts";
import { SealingMixin } from "../mixins/aggregator/sealing.mixin.ts";

/**
 * Turns deltas into minute, hour and day rollups: it recomputes dirty buckets, woken by stored
 * events and by a sweep. Any number may run; none is needed for a right answer, only for a fast
 * one. It also carries out erasures, audits the counts and compacts deltas.
 */
export const aggregator = (config: Config) =>
  defineService(
    "aggregator",
    RollupMixin(config),
    ActsMixin(),
    AuditorMixin(),
    CompactionMixin(),
    RetentionMixin(config),
    JobsMixin(),
    SealingMixin(),
  )({
    actions: {
      audit: {
        visibility: "public",
        async handler(ctx) {
          const project = ctx.meta.project ?? defaultProject;
          const auditing = { store: this.store, now: Date.now, repairs: false };
          const report = await audit(auditing, project, ctx.params);
          this.tellAudit(project, report);
          return report;
        },
      },
      "audits.begin": {
        handler(ctx) {
          return this.beginAudit(ctx, readAudit(ctx.params.body));
        },
      },
      "rollups.rebuild": {
        handler(ctx) {
          return this.beginRebuild(ctx, readRebuild(ctx.params.body));
        },
      },
      "retention.get": {
        handler(ctx) {
          return this.showRetention(ctx);
        },
      },
      "retention.put": {
        handler(ctx) {
          return this.setRetention(ctx, readRetention(ctx.params.body));
        },
      },
      "erase.event": {
        handler(ctx) {
          const { id, ...raw } = ctx.params;
          return this.beginErasure(ctx, readErasure({ kind: "eraseEvent", id }, raw));
        },
      },
      "erase.events": {
        handler(ctx) {
          return this.beginErasure(ctx, readErasures(ctx.params));
        },
      },
      "erase.subject": {
        handler(ctx) {
          const { userId, ...raw } = ctx.params;
          return this.beginErasure(ctx, readErasure({ kind: "eraseSubject", userId }, raw));
        },
      },
      "jobs.list": {
        handler(ctx) {
          return this.listJobs(ctx, ctx.params);
        },
      },
      "jobs.get": {
        handler(ctx) {
          return this.showJob(ctx, ctx.params.id);
        },
      },
      health: {
        visibility: "public",
        handler() {
          return aggregatorHealth(this.backlog, Date.now);
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
      this.startJobs();
      this.startRetention();
      this.startAuditor();
      this.startSealing();
      this.startCompaction();
    },
  });

export default aggregator(loadConfig());
