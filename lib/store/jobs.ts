import type { ProjectId } from "../event/event.ts";

/** A job, kept until it is finished, whichever worker carries it out. */
export interface KeptJob {
  readonly project: ProjectId;
  /** Ids ascend with the time, and no two jobs have the same one. */
  readonly id: string;
  /** How often the job was written. */
  readonly revision: number;
  /** Whether the job is unfinished. */
  readonly isOpen: boolean;
  /** JSON. */
  readonly state: string;
}

/** The project of jobs that belong to none: a project's retention, and positions in a round. */
export const noProject = "";

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

  /**
   * A page of the unfinished jobs of all projects, the oldest first. Jobs without a project are not
   * among them.
   */
  openJobs(page: JobPage): Promise<readonly KeptJob[]>;

  /** The unfinished jobs of a project, the oldest first: all of them, or a page. */
  openJobsOf(project: ProjectId, page?: JobPage): Promise<readonly KeptJob[]>;
}

export interface JobPage {
  readonly limit: number;
  /** The id of the last job of the page before. */
  readonly after?: string | undefined;
}

/** The number of jobs that are read at a time. */
const pageSize = 200;

/** All unfinished jobs of all projects, the oldest first, read page by page. */
export function everyOpenJob(store: JobStore): AsyncGenerator<KeptJob> {
  return pages((page) => store.openJobs(page));
}

/** All unfinished jobs without a project, in the order of their ids, read page by page. */
export function everyOpenJobWithoutProject(store: JobStore): AsyncGenerator<KeptJob> {
  return pages((page) => store.openJobsOf(noProject, page));
}

async function* pages(
  read: (page: JobPage) => Promise<readonly KeptJob[]>,
): AsyncGenerator<KeptJob> {
  for (let after: string | undefined; ;) {
    const page = await read({ limit: pageSize, after });
    yield* page;
    if (page.length < pageSize) return;
    after = page.at(-1)!.id;
  }
}
