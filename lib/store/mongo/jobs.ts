import type { ProjectId } from "../../event/event.ts";
import { noProject, type JobPage, type KeptJob } from "../jobs.ts";
import type { Collections, JobDocument } from "./documents.ts";
import { insertAbsent } from "./writes.ts";

/** A project has no `|`. */
const jobKey = (project: ProjectId, id: string) => `${project}|${id}`;

export async function putJob({ jobs }: Collections, job: KeptJob): Promise<boolean> {
  const _id = jobKey(job.project, job.id);
  if (job.revision === 1) return (await insertAbsent(jobs, [{ _id, ...job }])).length === 0;
  const { matchedCount } = await jobs.replaceOne({ _id, revision: job.revision - 1 }, job);
  return matchedCount === 1;
}

export async function job(
  { jobs }: Collections,
  project: ProjectId,
  id: string,
): Promise<KeptJob | undefined> {
  const found = await jobs.findOne({ _id: jobKey(project, id) });
  return found === null ? undefined : jobOf(found);
}

export async function jobsOf(
  { jobs }: Collections,
  project: ProjectId,
  limit: number,
): Promise<readonly KeptJob[]> {
  const found = await jobs.find({ project }).sort({ id: -1 }).limit(limit).toArray();
  return found.map(jobOf);
}

export async function openJobs(
  { jobs }: Collections,
  { limit, after = "" }: JobPage,
): Promise<readonly KeptJob[]> {
  const found = await jobs
    .find({ isOpen: true, project: { $ne: noProject }, id: { $gt: after } })
    .sort({ id: 1 })
    .limit(limit)
    .toArray();
  return found.map(jobOf);
}

/** A limit of 0 is none. */
export async function openJobsOf(
  { jobs }: Collections,
  project: ProjectId,
  { limit, after = "" }: JobPage = { limit: 0 },
): Promise<readonly KeptJob[]> {
  const found = await jobs
    .find({ isOpen: true, project, id: { $gt: after } })
    .sort({ id: 1 })
    .limit(limit)
    .toArray();
  return found.map(jobOf);
}

function jobOf({ project, id, revision, isOpen, state }: JobDocument): KeptJob {
  return { project, id, revision, isOpen, state };
}
