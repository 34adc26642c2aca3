import { Piscina } from "piscina";
import { defineMixin } from "../lib/moleculer.ts";

export interface WorkerPoolOptions {
  readonly filename: URL;
  readonly threads: number;
  readonly workerData: unknown;
  /** A job that takes longer is stopped with its worker and rejected. */
  readonly timeoutMs: number;
}

/**
 * Gives a service `this.offload(job)`: one job on a pool of worker threads. Waits while all are
 * busy, never drops. A worker that dies rejects its job and is replaced.
 */
export function WorkerPoolMixin<Job, Done>({
  filename,
  threads,
  workerData,
  timeoutMs,
}: WorkerPoolOptions) {
  return defineMixin<{ pool: Piscina<Job, Done> }>()({
    methods: {
      offload(job: Job): Promise<Done> {
        return this.pool.run(job, { signal: AbortSignal.timeout(timeoutMs) });
      },
    },
    created() {
      this.pool = new Piscina<Job, Done>({
        filename: filename.href,
        minThreads: 0,
        maxThreads: threads,
        idleTimeout: 60_000,
        workerData,
        resourceLimits: { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 16 },
      });
    },
    async stopped() {
      await this.pool.close();
    },
  });
}
