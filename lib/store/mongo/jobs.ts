import type { ProjectId } from "../../event/event.ts";
import type { KeptJob } from "../jobs.ts";
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

export async function openJobs({ jobs }: Collections, limit: number): Promise<readonly KeptJob[]> {
  const found = await jobs.find({ isOpen: true }).sort({ id: 1 }).limit(limit).toArray();
  return found.map(jobOf);
}

export async function openJobsOf(
  { jobs }: Collections,
  project: ProjectId,
): Promise<readonly KeptJob[]> {
  const found = await jobs.find({ isOpen: true, project }).sort({ id: 1 }).toArray();
  return found.map(jobOf);
}

function jobOf({ project, id, revision, isOpen, state }: JobDocument): KeptJob {
  return { project, id, revision, isOpen, state };
}
