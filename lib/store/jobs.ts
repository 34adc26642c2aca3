import type { ProjectId } from "../event/event.ts";

/** Work of minutes that is kept until it is finished, whoever carries it out. */
export interface KeptJob {
  readonly project: ProjectId;
  /** Ids ascend with the time. */
  readonly id: string;
  /** How often it was written. */
  readonly revision: number;
  /** Whether there is still something to do. */
  readonly isOpen: boolean;
  /** JSON. */
  readonly state: string;
}

/** Keeps jobs. Writes are durable when they resolve. */
export interface JobStore {
  /**
   * Write a job in the place of its revision before; revision 1 where there is none.
   * @returns false, and nothing was written, where another revision is there
   */
  putJob(job: KeptJob): Promise<boolean>;

  job(project: ProjectId, id: string): Promise<KeptJob | undefined>;

  /** Of a project the newest ones, the newest first. */
  jobs(project: ProjectId, limit: number): Promise<readonly KeptJob[]>;

  /** Of all projects those that are open, the oldest first. */
  openJobs(limit: number): Promise<readonly KeptJob[]>;
}
