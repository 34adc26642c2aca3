import { noProject, type JobPage, type KeptJob } from "../jobs.ts";
import type { Database, Row } from "./database.ts";
import { overwriting } from "./overwriting.ts";

const columns = "project, id, revision, is_open, state";

export function putJob(db: Database, { project, id, revision, isOpen, state }: KeptJob): boolean {
  const [stored = 0] = db.get(
    "SELECT revision FROM jobs WHERE project = ? AND id = ?",
    project,
    id,
  ) ?? [0];
  if (stored !== revision - 1) return false;
  const put = `INSERT INTO jobs (${columns}) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE
    SET revision = excluded.revision, is_open = excluded.is_open, state = excluded.state`;
  // An erasure's earlier revisions name its person.
  overwriting(db, () => db.run(put, project, id, revision, Number(isOpen), state));
  return true;
}

export function job(db: Database, project: string, id: string): KeptJob | undefined {
  const row = db.get(`SELECT ${columns} FROM jobs WHERE project = ? AND id = ?`, project, id);
  return row && jobOf(row);
}

export function jobs(db: Database, project: string, limit: number): readonly KeptJob[] {
  return db
    .all(`SELECT ${columns} FROM jobs WHERE project = ? ORDER BY id DESC LIMIT ?`, project, limit)
    .map(jobOf);
}

export function openJobs(db: Database, { limit, after = "" }: JobPage): readonly KeptJob[] {
  return db
    .all(
      `SELECT ${columns} FROM jobs INDEXED BY open_jobs
        WHERE is_open = 1 AND project <> ? AND id > ? ORDER BY id LIMIT ?`,
      noProject,
      after,
      limit,
    )
    .map(jobOf);
}

/** Walks over the open jobs of all projects: a project has far more that are done. */
export function openJobsOf(
  db: Database,
  project: string,
  { limit, after = "" }: JobPage = { limit: -1 },
): readonly KeptJob[] {
  return db
    .all(
      `SELECT ${columns} FROM jobs INDEXED BY open_jobs
        WHERE is_open = 1 AND project = ? AND id > ? ORDER BY id LIMIT ?`,
      project,
      after,
      limit,
    )
    .map(jobOf);
}

function jobOf(row: Row): KeptJob {
  const [project, id, revision, isOpen, state] = row as readonly unknown[] as [
    string,
    string,
    number,
    number,
    string,
  ];
  return { project, id, revision, isOpen: isOpen === 1, state };
}
