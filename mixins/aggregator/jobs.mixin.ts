import { randomUUID, randomUUIDv7 } from "node:crypto";
import { Ticker, type Run } from "../../lib/concurrency/ticker.ts";
import type { Meta } from "../../lib/contracts.ts";
import { ServiceError, tooMany } from "../../lib/errors.ts";
import { defaultProject, type ProjectId } from "../../lib/event/event.ts";
import { defineMixin } from "../../lib/moleculer.ts";
import type { AuditQuestion } from "../../lib/questions/audits.ts";
import type { Erasure, ErasureQuestion } from "../../lib/questions/erasing.ts";
import { jobsParameters, type ShownJob } from "../../lib/questions/jobs.ts";
import { type Raw, readParameters } from "../../lib/questions/reading/field.ts";
import { carryOutAudit, newAudit, shownAudit } from "../../lib/store/audit-job.ts";
import {
  isFree,
  isErasure,
  turnMs,
  type JobOutcome,
  type Worker,
} from "../../lib/store/job-progress.ts";
import { acceptErasure, carryOut, shownErasure } from "../../lib/store/erasure-job.ts";
import { everyOpenJob, type KeptJob } from "../../lib/store/jobs.ts";
import type { Auditing } from "./auditor.mixin.ts";
import type { ActContext, Administering } from "../acts.mixin.ts";
import type { Storing } from "../store.mixin.ts";

/** The interval at which it looks for jobs that another process began or left. */
const lookEveryMs = 5_000;

/**
 * The most open erasures of a project, and the most of these that are by filter. Every read of the
 * project checks each of them.
 */
const mostOpen = { all: 1_000, byFilter: 20 } as const;

/** How long a job waits for a processor, which has the dead letters, before it is tried again. */
const processorWithinMs = 5_000;

/**
 * The lanes of jobs. In each the jobs are carried out one after the other, each for some seconds in
 * its turn: an erasure never waits for an audit or a rebuild, whatever they take.
 */
const lanes = ["erasing", "counting"] as const;
type Lane = (typeof lanes)[number];

interface State {
  lanes: Partial<Record<Lane, Ticker>>;
  /** Whether the process is about to end. */
  isEnding: boolean;
  /** The erasures that are being accepted, by id, in the order of their requests. */
  accepting: Map<string, AcceptedErasure>;
  /** The name of this process among the processes that carry out jobs. */
  jobOwner: string;
}

interface AcceptedErasure {
  readonly project: ProjectId;
  readonly kind: Erasure["kind"];
}

interface Caller {
  readonly meta: Meta;
}

/**
 * Gives a service jobs that are kept in the store: `this.beginErasure`, `this.beginAudit`,
 * `this.beginRebuild`, `this.listJobs`, `this.showJob`, and a loop for each lane that carries its
 * jobs out. Any number of processes may run the loops: a job belongs to a process as long as the
 * process renews its lease, and two processes on one job do no harm.
 */
export function JobsMixin() {
  return defineMixin<{ state: State; needs: Storing & Administering & Auditing }>()({
    methods: {
      /**
       * Begins the erasure of events, as `acceptErasure` says.
       * @throws ServiceError TOO_MANY_REQUESTS where too many of the project are open
       */
      async beginErasure(ctx: ActContext, question: ErasureQuestion): Promise<ShownJob> {
        const project = ctx.meta.project ?? defaultProject;
        const { kind } = question.erasure;
        const id = randomUUIDv7();
        const earlier = [...this.accepting].filter(([, one]) => one.project === project);
        this.accepting.set(id, { project, kind });
        try {
          await this.checkErasures(project, kind, earlier);
          const act = { what: "events.erase", target: id, details: { kind } } as const;
          const job = await this.administered(ctx, act, () =>
            acceptErasure(this.store, project, id, question, Date.now()),
          );
          this.logger.info({ job: id, project, kind }, "erasure begun");
          this.lanes.erasing?.wake();
          return shownJob(job);
        } finally {
          this.accepting.delete(id);
        }
      },

      /**
       * @param earlier those of the project that are being accepted
       * @throws ServiceError TOO_MANY_REQUESTS
       */
      async checkErasures(
        project: ProjectId,
        kind: Erasure["kind"],
        earlier: readonly (readonly [string, AcceptedErasure])[],
      ): Promise<void> {
        const open = new Map<string, ShownJob["kind"]>(earlier.map(([id, one]) => [id, one.kind]));
        for (const job of await this.store.openJobsOf(project)) {
          if (isErasure(job)) open.set(job.id, shownErasure(job).kind);
        }
        if (open.size >= mostOpen.all) throw tooManyErasures(`${mostOpen.all} erasures`);
        if (kind !== "eraseEvents") return;
        const byFilter = [...open.values()].filter((one) => one === kind);
        if (byFilter.length >= mostOpen.byFilter) {
          throw tooManyErasures(`${mostOpen.byFilter} erasures by filter`);
        }
      },

      /** Begins an audit. Resolves once a crash can no longer lose the job. */
      beginAudit(ctx: ActContext, question: AuditQuestion): Promise<ShownJob> {
        return this.beginCounting(ctx, question, "auditCounts");
      },

      beginRebuild(ctx: ActContext, range: AuditQuestion["range"]): Promise<ShownJob> {
        return this.beginCounting(ctx, { range, repairs: true }, "rebuildRollups");
      },

      async beginCounting(
        ctx: ActContext,
        question: AuditQuestion,
        kind: "auditCounts" | "rebuildRollups",
      ): Promise<ShownJob> {
        const project = ctx.meta.project ?? defaultProject;
        const job = newAudit(project, randomUUIDv7(), question, Date.now(), kind);
        const shown = shownJob(job);
        const what = kind === "auditCounts" ? "counts.audit" : "rollups.rebuild";
        const details = { ...shown.range, ...(!question.repairs && { repair: false }) };
        const act = { what, target: job.id, details } as const;
        await this.administered(ctx, act, () => this.store.putJob(job));
        this.logger.info({ job: job.id, project, kind }, "rebuild begun");
        this.lanes.counting?.wake();
        return shown;
      },

      async listJobs({ meta }: Caller, raw: Raw): Promise<{ data: readonly ShownJob[] }> {
        const { limit } = readParameters(raw, jobsParameters, (values) => values);
        const found = await this.store.jobs(meta.project ?? defaultProject, limit);
        return { data: found.map(shownJob) };
      },

      /** Shows a job. @throws ServiceError NOT_FOUND */
      async showJob({ meta }: Caller, id: string): Promise<ShownJob> {
        const found = await this.store.job(meta.project ?? defaultProject, id);
        if (found === undefined) throw new ServiceError("NOT_FOUND", "There is no such job");
        return shownJob(found);
      },

      startJobs(): void {
        for (const lane of lanes) {
          this.lanes[lane] = new Ticker(
            () => this.workOnLane(lane),
            { everyMs: lookEveryMs, restFactor: 0 },
            (error) => this.logger.warn({ err: error }, "jobs could not be read"),
          );
        }
      },

      /** @returns `more` where a job was left whose turn was over */
      async workOnLane(lane: Lane): Promise<Run> {
        const worker: Worker = {
          store: this.store,
          owner: this.jobOwner,
          now: Date.now,
          isEnding: () => this.isEnding,
          turnMs,
        };
        let isMore = false;
        for await (const job of everyOpenJob(this.store)) {
          if (this.isEnding) return undefined;
          if (laneOf(job) !== lane || !isFree(job, this.jobOwner, Date.now())) continue;
          try {
            if ((await this.workOn(worker, job)) === "left") isMore = true;
          } catch (error) {
            // A job that fails must not stop the others.
            this.logger.warn({ err: error, job: job.id }, "a job stopped and will be continued");
          }
        }
        return isMore ? "more" : undefined;
      },

      workOn(worker: Worker, job: KeptJob): Promise<JobOutcome> {
        if (isErasure(job)) {
          return carryOut(worker, job, {
            erased: (events) => {
              this.metrics.increment("analytics_events_erased_total", {}, events);
            },
            unstored: () => this.forgetDead(job.project),
          });
        }
        return carryOutAudit(worker, job, (report) => this.tellAudit(job.project, report));
      },

      async forgetDead(project: ProjectId): Promise<void> {
        await this.broker.waitForServices("processor", processorWithinMs);
        await this.broker.call("processor.dead.forget", { project });
      },

      async stopJobs(): Promise<void> {
        this.isEnding = true;
        await Promise.all(Object.values(this.lanes).map((lane) => lane.stop()));
        this.lanes = {};
      },
    },
    created() {
      this.lanes = {};
      this.isEnding = false;
      this.accepting = new Map();
      this.jobOwner = randomUUID();
    },
    async stopped() {
      await this.stopJobs();
    },
  });
}

function tooManyErasures(open: string): ServiceError {
  const message = `${open} are under way in this project: wait until one is done`;
  return tooMany("erasures_open", message, 10);
}

function laneOf(job: KeptJob): Lane {
  return isErasure(job) ? "erasing" : "counting";
}

function shownJob(job: KeptJob): ShownJob {
  return isErasure(job) ? shownErasure(job) : shownAudit(job);
}
