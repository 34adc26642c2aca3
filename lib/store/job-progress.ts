import type { ShownJob } from "../questions/jobs.ts";
import type { KeptJob } from "./jobs.ts";
import type { EventStore } from "./store.ts";

/** A worker that wrote no note for this long counts as gone. Two workers at once do no harm. */
const leaseMs = 20_000;

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

/** Whether a worker may continue a job: no other one does. */
export function isFree(job: KeptJob, owner: string, now: number): boolean {
  const state = stateOf(job);
  return state.owner === null || state.owner === owner || now - state.updatedAt > leaseMs;
}

/** The worker of a job, and its clock. */
export interface Worker {
  readonly store: EventStore;
  readonly owner: string;
  readonly now: () => number;
  /** Called between two steps. */
  readonly isEnding: () => boolean;
}

/** A job as one worker carries it out. */
export class Progress<State extends JobState> {
  readonly #worker: Worker;
  #job: KeptJob;
  state: State;

  constructor(worker: Worker, job: KeptJob) {
    this.#worker = worker;
    this.#job = job;
    this.state = stateOf(job);
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
   * Notes the progress.
   * @returns false where another worker has continued the job
   */
  async note(change: Partial<State>): Promise<boolean> {
    const { store, owner, now } = this.#worker;
    const running = { status: "running", owner } as const;
    const state: State = { ...this.state, ...running, ...change, updatedAt: now() };
    const job: KeptJob = {
      ...this.#job,
      revision: this.#job.revision + 1,
      isOpen: state.finishedAt === null,
      state: JSON.stringify(state),
    };
    if (!(await store.putJob(job))) return false;
    this.#job = job;
    this.state = state;
    return true;
  }

  /** Notes that the job is done. */
  async finish(change: Partial<State>): Promise<void> {
    const finished = { status: "done", finishedAt: this.#worker.now(), owner: null } as const;
    await this.note({ ...change, ...finished });
  }

  /** Releases the job for the next worker. */
  async leave(): Promise<void> {
    await this.note({ owner: null, tries: 0 } as Partial<State>);
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
