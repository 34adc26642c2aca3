import { extname } from "node:path";
import type { Config } from "../../lib/config.ts";
import type { DeltasJob, EnrichJob, EnrichSettings, JudgeJob } from "../../lib/event/enrich/job.ts";
import type { HeldEvent, JudgeDone } from "../../lib/event/schemas/held.ts";
import type { SchemasOfProject, Violations } from "../../lib/event/schemas/schema.ts";
import type { DeltasDone, Delta } from "../../lib/counting/delta.ts";
import { decodeBatch, isMalformedBatch, requestIdsOf } from "../../lib/event/batch-message.ts";
import type { BatchMessage, StoredEvent } from "../../lib/event/event.ts";
import { GroupTurns } from "../../lib/concurrency/group-turns.ts";
import { Semaphore } from "../../lib/concurrency/semaphore.ts";
import { defineMixin } from "../../lib/moleculer.ts";
import { rolledUp } from "../../lib/counting/dimensions.ts";
import { pack, unpack } from "../../lib/store/rows.ts";
import { type BatchPack } from "../../lib/store/store.ts";
import { ServiceError } from "../../lib/errors.ts";
import { Piscina } from "piscina";

/** No thread can work right now, whatever the job. */
export class ThreadsUnavailable extends ServiceError {
  constructor(cause: unknown) {
    super("SERVICE_UNAVAILABLE", "Events cannot be enriched right now");
    this.cause = cause;
  }
}

/**
 * A batch after enrichment: what can be stored, and the indexes of events that killed every worker.
 */
export interface Enriched {
  readonly done: BatchPack;
  readonly poisonous: readonly number[];
}

type BatchOf = Pick<BatchMessage, "batch" | "project">;
interface Offload {
  (jobs: readonly EnrichJob[], since: readonly number[]): Promise<readonly BatchPack[]>;
  (job: EnrichJob, since?: readonly number[]): Promise<BatchPack>;
  (job: DeltasJob): Promise<DeltasDone>;
  (job: JudgeJob): Promise<JudgeDone>;
}

const worker = new URL(
  `../../workers/enrich.worker${extname(import.meta.filename)}`,
  import.meta.url,
);

/** A batch that waits for a thread. */
interface WaitingJob {
  readonly job: EnrichJob;
  readonly requestedAt: number;
}

/**
 * Of what waits, a thread takes this much at a time: some 40 ms of work. Its turns of the processor
 * are far apart where collecting keeps that busy, so many small jobs would wait for each other.
 */
const groupLimits = { maxItems: 32, maxBytes: 1_048_576 };

/**
 * Gives a service `this.enrich(body)`: it enriches a batch on a worker thread, with others that
 * wait. Where that fails, each of them is enriched alone. A worker that dies then costs a second
 * try; where that one dies too, the batch is halved until the events that kill workers are
 * isolated. Where a job without events fails as well, no event is to blame: `this.enrich` throws
 * ThreadsUnavailable then, until `this.checkThreads()` succeeds.
 */
export function EnrichMixin(config: Config, filename: URL = worker) {
  const settings: EnrichSettings = {
    fullIp: config.fullIp,
    dimensions: rolledUp(config.rollupDimensions),
    store: config.mongodbUri === null ? "sqlite" : "mongodb",
  };
  interface State {
    offload: Offload;
    /** `offload`, for a job whose failure says something about the job. */
    attempt: Offload;
    groups: GroupTurns<WaitingJob, BatchPack>;
  }
  return defineMixin<{ state: State }>()({
    mixins: [
      WorkerPoolMixin<AnyJob, BatchPack | readonly BatchPack[] | DeltasDone | JudgeDone>({
        filename,
        threads: config.enrichThreads,
        workerData: settings,
        timeoutMs: 30_000,
      }),
    ],
    methods: {
      async enrich(body: Uint8Array, schemas?: SchemasOfProject): Promise<Enriched> {
        const job: EnrichJob = { body, ...(schemas && { schemas }) };
        try {
          const waiting = { job, requestedAt: performance.now() };
          return { done: await this.groups.add(waiting, body.byteLength), poisonous: [] };
        } catch (error) {
          if (isMalformedBatch(error) || error instanceof ThreadsUnavailable) throw error;
          this.logger.warn({ err: error, ...requestIdsOf(body) }, "batch is enriched again");
          this.metrics.increment("analytics_enrich_retries_total");
        }
        const whole = await this.attempt(job).catch(ownFailure);
        return whole === undefined ? isolate(this.attempt, job) : { done: whole, poisonous: [] };
      },
      /**
       * Runs a job without events.
       * @param schemas those that the threads are to judge by
       * @throws ThreadsUnavailable where it fails
       */
      async checkThreads(schemas?: SchemasOfProject): Promise<void> {
        const nothing = { batch: "", project: "" };
        try {
          await this.offload({ kind: "deltas", ...nothing, events: [] });
          if (schemas === undefined) return;
          const event = { id: "", type: "", source: "", timestamp: 0, receivedAt: 0 };
          await this.offload({ kind: "judge", ...nothing, event, schemas });
        } catch (error) {
          throw error instanceof ThreadsUnavailable ? error : new ThreadsUnavailable(error);
        }
      },
      async enrichTogether(
        group: readonly WaitingJob[],
      ): Promise<readonly (BatchPack | Promise<BatchPack>)[]> {
        const jobs = group.map(({ job }) => job);
        const since = group.map(({ requestedAt }) => requestedAt);
        if (jobs.length === 1) return [await this.offload(jobs[0]!, since)];
        try {
          return await this.offload(jobs, since);
        } catch {
          return jobs.map((job) => this.offload(job));
        }
      },
      /**
       * Enriches and judges one event in quarantine again.
       * @throws ThreadsUnavailable
       */
      judge(job: JudgeJob): Promise<JudgeDone> {
        return this.attempt(job);
      },
      async deltasOf(batch: BatchOf, events: readonly StoredEvent[]): Promise<readonly Delta[]> {
        return recount(this.attempt, batch, events);
      },
    },
    created() {
      this.attempt = blaming(this.offload.bind(this), (schemas) => this.checkThreads(schemas));
      this.groups = new GroupTurns((group) => this.enrichTogether(group), {
        turns: config.enrichThreads,
        ...groupLimits,
      });
    },
  });
}

type AnyJob = EnrichJob | readonly EnrichJob[] | DeltasJob | JudgeJob;

/** Rejects with what `check` throws where a job fails and `check` does, too. */
function blaming(offload: Offload, check: (schemas?: SchemasOfProject) => Promise<void>): Offload {
  const run = offload as (job: AnyJob) => Promise<unknown>;
  const attempt = async (job: AnyJob) => {
    try {
      return await run(job);
    } catch (error) {
      if (error instanceof ThreadsUnavailable) throw error;
      await check("schemas" in job ? job.schemas : undefined);
      throw error;
    }
  };
  return attempt as Offload;
}

/** Turns a job's own failure into `undefined`. */
function ownFailure(error: unknown): undefined {
  if (error instanceof ThreadsUnavailable) throw error;
}

async function recount(
  offload: Offload,
  { batch, project }: BatchOf,
  events: readonly StoredEvent[],
): Promise<readonly Delta[]> {
  return (await offload({ kind: "deltas", batch, project, events })).deltas;
}

async function isolate(offload: Offload, { body, schemas }: EnrichJob): Promise<Enriched> {
  const message = decodeBatch(body);
  const poisonous: number[] = [];
  const events: StoredEvent[] = [];
  const broken: HeldEvent[] = [];
  const violations: Violations[] = [];

  async function enrichOnly(only: readonly number[]): Promise<void> {
    const job = { body, only, ...(schemas && { schemas }) };
    const part = await offload(job).catch(ownFailure);
    if (part !== undefined) {
      const done = unpack(part);
      events.push(...done.events);
      broken.push(...(done.broken ?? []));
      violations.push(...(part.violations ?? []));
    } else if (only.length === 1) {
      poisonous.push(...only);
    } else {
      const middle = only.length >> 1;
      await enrichOnly(only.slice(0, middle));
      await enrichOnly(only.slice(middle));
    }
  }

  await enrichOnly(message.events.map((_, index) => index));
  const { batch, project } = message;
  const deltas = await recount(offload, message, events);
  const done = { ...pack({ batch, project, events, deltas, broken }), violations };
  return { done, poisonous };
}

interface WorkerPoolOptions {
  readonly filename: URL;
  readonly threads: number;
  readonly workerData: unknown;
  /** A job that takes longer is stopped with its worker and rejected. */
  readonly timeoutMs: number;
}

/**
 * Gives a service `this.offload(job)`: it runs one job on a pool of worker threads. It waits while
 * all are busy and never drops a job. A worker that dies rejects its job and is replaced; one that
 * cannot start rejects the job that waits for it with ThreadsUnavailable.
 */
function WorkerPoolMixin<Job, Done>({
  filename,
  threads,
  workerData,
  timeoutMs,
}: WorkerPoolOptions) {
  interface State {
    pool: Piscina<Job, Done>;
    turns: Semaphore;
    /** The jobs that the pool has, in the order in which it takes them. */
    underWay: Set<AbortController>;
  }
  return defineMixin<{ state: State }>()({
    methods: {
      /**
       * The pool never gets more jobs than it has threads, so that waiting and working are measured
       * separately.
       * @param since when each part of the job was asked for, by `performance.now()`
       */
      async offload(job: Job, since: readonly number[] = [performance.now()]): Promise<Done> {
        return this.turns.run(async () => {
          const begunAt = performance.now();
          for (const requestedAt of since) {
            this.metrics.observe("analytics_enrich_wait_seconds", (begunAt - requestedAt) / 1_000);
          }
          // `AbortSignal.timeout` would keep its timer, and so itself, long after the job.
          const over = new AbortController();
          const timer = setTimeout(() => over.abort(), timeoutMs);
          this.underWay.add(over);
          try {
            return await this.pool.run(job, { signal: over.signal });
          } catch (error) {
            over.signal.throwIfAborted();
            throw error;
          } finally {
            clearTimeout(timer);
            this.underWay.delete(over);
            const tookMs = performance.now() - begunAt;
            this.metrics.observe("analytics_enrich_run_seconds", tookMs / 1_000);
          }
        });
      },
      /** Rejects the jobs for which there is no thread, and none that is starting. */
      rejectWaiting(cause: unknown): void {
        const { queueSize } = this.pool;
        const waiting = [...this.underWay].slice(this.underWay.size - queueSize);
        for (const job of waiting) job.abort(new ThreadsUnavailable(cause));
      },
    },
    created() {
      this.turns = new Semaphore(threads);
      this.underWay = new Set();
      this.pool = new Piscina<Job, Done>({
        filename: filename.href,
        minThreads: 0,
        maxThreads: threads,
        idleTimeout: 60000,
        workerData,
        resourceLimits: { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 16 },
      });
      // Of a thread without a job; without a listener it would end the process.
      this.pool.on("error", (error) => this.rejectWaiting(error));
    },
    async stopped() {
      await this.pool.close();
    },
  });
}
