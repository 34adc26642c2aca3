import type { ProjectId } from "../event/event.ts";

/** A job, kept until it is finished, whichever worker carries it out. */
export interface KeptJob {
  readonly project: ProjectId;
  /** Ids ascend with the time. */
  readonly id: string;
  /** How often the job was written. */
  readonly revision: number;
  /** Whether the job is unfinished. */
  readonly isOpen: boolean;
  /** JSON. */
  readonly state: string;
}

/** Keeps jobs. Writes are durable when they resolve. */
export interface JobStore {
  /**
   * Writes a job in place of its previous revision; revision 1 where there is none.
   * @returns false, and nothing was written, where another revision is stored
   */
  putJob(job: KeptJob): Promise<boolean>;

  job(project: ProjectId, id: string): Promise<KeptJob | undefined>;

  /** The newest jobs of a project, the newest first. */
  jobs(project: ProjectId, limit: number): Promise<readonly KeptJob[]>;

  /** The unfinished jobs of all projects, the oldest first. */
  openJobs(limit: number): Promise<readonly KeptJob[]>;

  /** All unfinished jobs of a project, the oldest first. */
  openJobsOf(project: ProjectId): Promise<readonly KeptJob[]>;
}
