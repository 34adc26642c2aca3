import type { ShownJob } from "../questions/jobs.ts";
import type { KeptJob } from "./jobs.ts";
import type { EventStore } from "./store.ts";

/** A worker that wrote nothing for this long counts as gone. Two workers at once do no harm. */
const leaseMs = 20_000;

/** The interval at which a worker says that it is still there, however long a step takes. */
const renewEveryMs = 5_000;

/** How long a worker stays at a job where others wait: much longer than most steps. */
export const turnMs = 10_000;

/** A worker that failed this often in a row reports it. */
const manyTries = 10;

/** The state that every job has. */
export interface JobState {
  readonly status: ShownJob["status"];
  /** When the job was requested, epoch milliseconds. */
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly finishedAt: number | null;
  readonly owner: string | null;
  /** How often in a row the job failed to continue. */
  readonly tries: number;
}

/** The state of a job that nobody has begun. */
export function waiting(now: number): JobState {
  return {
    status: "waiting",
    createdAt: now,
    updatedAt: now,
    finishedAt: null,
    owner: null,
    tries: 0,
  };
}

export function newJob(project: string, id: string, state: JobState): KeptJob {
  return { project, id, revision: 1, isOpen: true, state: JSON.stringify(state) };
}

export function stateOf<State extends JobState>({ state }: KeptJob): State {
  return JSON.parse(state) as State;
}

export function isErasure(job: KeptJob): boolean {
  return "erasure" in stateOf(job);
}

/**
 * Whether a worker may continue a job: no other one does. A time in the future was written before
 * the clock was set back, and counts as old.
 */
export function isFree(job: KeptJob, owner: string, now: number): boolean {
  const state = stateOf(job);
  const isOld = Math.abs(now - state.updatedAt) > leaseMs;
  return state.owner === null || state.owner === owner || isOld;
}

/** The worker of a job, and its clock. */
export interface Worker {
  readonly store: EventStore;
  readonly owner: string;
  readonly now: () => number;
  /** Called between two steps. */
  readonly isEnding: () => boolean;
  /** After this long the worker leaves a job, so that others have their turn. Absent: never. */
  readonly turnMs?: number;
  /** Default 5 s; much shorter than a lease. */
  readonly renewEveryMs?: number;
}

/**
 * What became of a job: it is done, its worker has left it for later, or another worker continues
 * it.
 */
export type JobOutcome = "done" | "left" | "lost";

/**
 * Carries out a job under a lease, which is renewed until the work ends, however long its steps
 * take. It begins with the first note of the work.
 */
export async function underLease<State extends JobState, T>(
  worker: Worker,
  job: KeptJob,
  work: (progress: Progress<State>) => Promise<T>,
): Promise<T> {
  const progress = new Progress<State>(worker, job);
  const everyMs = worker.renewEveryMs ?? renewEveryMs;
  const renewing = setInterval(() => void progress.renew(), everyMs);
  try {
    return await work(progress);
  } finally {
    clearInterval(renewing);
    await progress.written();
  }
}

/** A job as one worker carries it out. */
export class Progress<State extends JobState> {
  readonly #worker: Worker;
  readonly #begunAt = performance.now();
  #steps = 0;
  #job: KeptJob;
  #isLost = false;
  #isRenewing = false;
  /** The writes, each of which begins when the one before has ended. */
  #writes: Promise<unknown> = Promise.resolve();
  state: State;

  constructor(worker: Worker, job: KeptJob) {
    this.#worker = worker;
    this.#job = job;
    this.state = stateOf(job);
  }

  /** Whether the worker must stop: it is about to end, or has lost the job to another worker. */
  readonly isEnding = (): boolean => this.#isLost || this.#worker.isEnding();

  /**
   * Takes another step, unless the worker must stop or its turn is over. A turn has one step at
   * least.
   * @returns whether the step may be taken
   */
  takeStep(): boolean {
    const { turnMs = Infinity } = this.#worker;
    const isFirst = this.#steps === 0;
    this.#steps += 1;
    return !this.isEnding() && (isFirst || performance.now() - this.#begunAt < turnMs);
  }

  /**
   * Notes that another try begins.
   * @returns as `note`
   */
  begin(): Promise<boolean> {
    const tries = this.state.tries + 1;
    const status = tries < manyTries ? "running" : "failing";
    return this.note({ tries, status } as Partial<State>);
  }

  /**
   * Notes the progress, and renews the lease.
   * @returns false where another worker has continued the job
   */
  note(change: Partial<State>): Promise<boolean> {
    const running = { status: "running", owner: this.#worker.owner } as const;
    return this.#inTurn(() => this.#write({ ...running, ...change }));
  }

  /** Renews the lease where this worker has one. Never rejects: a failing store fails the work. */
  async renew(): Promise<void> {
    if (this.#isRenewing) return;
    this.#isRenewing = true;
    const isHeld = () => this.state.owner === this.#worker.owner;
    await this.#inTurn(async () => isHeld() && this.#write({})).catch(() => undefined);
    this.#isRenewing = false;
  }

  /** Resolves when nothing is being written. */
  async written(): Promise<void> {
    await this.#writes;
  }

  /** Notes that the job is done. */
  async finish(change: Partial<State>): Promise<JobOutcome> {
    const finished = { status: "done", finishedAt: this.#worker.now(), owner: null } as const;
    return (await this.note({ ...change, ...finished })) ? "done" : "lost";
  }

  /** Releases the job for the next worker. */
  async leave(): Promise<JobOutcome> {
    return (await this.note({ owner: null, tries: 0 } as Partial<State>)) ? "left" : "lost";
  }

  #inTurn<T>(write: () => Promise<T>): Promise<T> {
    const written = this.#writes.then(write);
    this.#writes = written.catch(() => undefined);
    return written;
  }

  async #write(change: Partial<JobState>): Promise<boolean> {
    if (this.#isLost) return false;
    const state: State = { ...this.state, ...change, updatedAt: this.#worker.now() };
    const job: KeptJob = {
      ...this.#job,
      revision: this.#job.revision + 1,
      isOpen: state.finishedAt === null,
      state: JSON.stringify(state),
    };
    this.#isLost = !(await this.#worker.store.putJob(job));
    if (this.#isLost) return false;
    this.#job = job;
    this.state = state;
    return true;
  }
}

/** The part of the state that the API shows for every job. */
export function shownState(
  job: KeptJob,
): Pick<ShownJob, "id" | "status" | "createdAt" | "updatedAt" | "finishedAt"> {
  const { status, createdAt, updatedAt, finishedAt } = stateOf(job);
  const shown = (instant: number) => new Date(instant).toISOString();
  return {
    id: job.id,
    status,
    createdAt: shown(createdAt),
    updatedAt: shown(updatedAt),
    finishedAt: finishedAt === null ? null : shown(finishedAt),
  };
}
