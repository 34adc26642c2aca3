import type { ShownJob } from "../questions/jobs.ts";
import type { KeptJob } from "./jobs.ts";
import type { EventStore } from "./store.ts";

/** After so long without a note whoever had a job is taken to be gone. Two at once do no harm. */
const leaseMs = 20_000;

/** Whoever tried so often in turn says so. */
const manyTries = 10;

/** What is kept of every job, whatever it does. */
export interface JobState {
  readonly status: ShownJob["status"];
  /** When it was asked for, epoch milliseconds. */
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly finishedAt: number | null;
  readonly owner: string | null;
  /** How often in turn it could not go on. */
  readonly tries: number;
}

/** Of a job that nobody has begun. */
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

/** Whether somebody may go on with a job: nobody else does. */
export function isFree(job: KeptJob, owner: string, now: number): boolean {
  const state = stateOf(job);
  return state.owner === null || state.owner === owner || now - state.updatedAt > leaseMs;
}

/** Who carries out a job, and by which clock. */
export interface Worker {
  readonly store: EventStore;
  readonly owner: string;
  readonly now: () => number;
  /** To be asked between two steps. */
  readonly isEnding: () => boolean;
}

/** A job as one worker goes on with it. */
export class Progress<State extends JobState> {
  readonly #worker: Worker;
  #job: KeptJob;
  state: State;

  constructor(worker: Worker, job: KeptJob) {
    this.#worker = worker;
    this.#job = job;
    this.state = stateOf(job);
  }

  /** Note that another try begins. @returns as `note` */
  begin(): Promise<boolean> {
    const tries = this.state.tries + 1;
    const status = tries < manyTries ? "running" : "failing";
    return this.note({ tries, status } as Partial<State>);
  }

  /** Note how far it is. @returns false where somebody else has gone on with it */
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

  /** Note that there is nothing left to do. */
  async finish(change: Partial<State>): Promise<void> {
    const finished = { status: "done", finishedAt: this.#worker.now(), owner: null } as const;
    await this.note({ ...change, ...finished });
  }

  /** Leave it to whoever comes next. */
  async leave(): Promise<void> {
    await this.note({ owner: null, tries: 0 } as Partial<State>);
  }
}

/** What is told of every job. */
export function shownState(
  job: KeptJob,
): Pick<ShownJob, "id" | "status" | "createdAt" | "updatedAt" | "finishedAt"> {
  const { status, createdAt, updatedAt, finishedAt } = stateOf(job);
  const told = (instant: number) => new Date(instant).toISOString();
  return {
    id: job.id,
    status,
    createdAt: told(createdAt),
    updatedAt: told(updatedAt),
    finishedAt: finishedAt === null ? null : told(finishedAt),
  };
}
