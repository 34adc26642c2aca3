import { Ticker } from "../../lib/concurrency/ticker.ts";
import { defineMixin } from "../../lib/moleculer.ts";
import type { AuditReport } from "../../lib/questions/audits.ts";
import { auditNext } from "../../lib/store/audit-job.ts";
import type { Administering } from "../acts.mixin.ts";
import type { Storing } from "../store.mixin.ts";

const everyMs = 60_000;

export interface Auditing {
  /** Reports the result of an audit to the log and the metrics. */
  tellAudit(project: string, report: AuditReport): void;
}

/**
 * Gives a service an auditor: each minute it recounts one past hour, of the projects in turn, and
 * repairs differences. Any number of processes may run it; they share the hours.
 */
export function AuditorMixin() {
  return defineMixin<{ state: { auditor: Ticker | null }; needs: Storing & Administering }>()({
    methods: {
      startAuditor(): void {
        this.auditor = new Ticker(
          () => this.auditSlice(),
          { everyMs, restFactor: 0 },
          (error) => this.logger.warn({ err: error }, "counts could not be audited"),
        );
      },

      async auditSlice(): Promise<void> {
        const isEnding = () => this.auditor === null;
        const worker = { store: this.store, owner: "", now: Date.now, isEnding };
        const audited = await auditNext(worker, everyMs);
        if (audited === undefined) return;
        const { hour, report } = audited;
        this.tellAudit(hour.project, report);
        if (report.repaired === 0) return;
        const ctx = { meta: { project: hour.project }, nodeID: this.broker.nodeID };
        const { drifted, uncounted, repaired } = report;
        const act = {
          what: "rollups.repair",
          target: new Date(hour.start).toISOString(),
          details: { drifted, uncounted, repaired },
        } as const;
        await this.administered(ctx, act, () => Promise.resolve());
      },

      tellAudit(project: string, { drift: _, changed, ...found }: AuditReport): void {
        const { metrics } = this.broker;
        metrics.set("analytics_rollup_drift", found.drifted + found.uncounted);
        metrics.increment("analytics_buckets_audited_total", {}, found.buckets);
        metrics.increment("analytics_buckets_repaired_total", {}, found.repaired);
        if (found.drifted + found.uncounted > 0) {
          this.logger.error({ project, ...found }, "rollups differ from their events");
        } else if (changed.length > 0) {
          this.logger.error({ project, changed: changed.length }, "stored events were changed");
        }
      },
    },
    created() {
      this.auditor = null;
    },
    async stopped() {
      const { auditor } = this;
      this.auditor = null;
      await auditor?.stop();
    },
  });
}
