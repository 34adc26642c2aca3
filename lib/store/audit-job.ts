import { childrenOf, grainMs, startOf, type Bucket } from "../counting/bucket.ts";
import type { ProjectId } from "../event/event.ts";
import type { Range } from "../event/filter.ts";
import {
  nothingFound,
  together,
  type AuditQuestion,
  type AuditReport,
} from "../questions/audits.ts";
import { metaRange } from "../questions/answer-meta.ts";
import type { ShownJob } from "../questions/jobs.ts";
import { auditHour, hoursOf, isLastOfDay, mayHold, rebuildHour } from "./audit.ts";
import type { KeptJob } from "./jobs.ts";
import { newJob, Progress, shownState, stateOf, waiting } from "./job-progress.ts";
import type { JobState, Worker } from "./job-progress.ts";

/** What is kept of an audit, or of rollups that are made again: hour by hour. */
export interface AuditState extends JobState {
  readonly kind: "auditCounts" | "rebuildRollups";
  readonly range: Range;
  readonly repairs: boolean;
  /** Up to where it has come. */
  readonly doneUntil: number | null;
  readonly found: AuditReport;
  readonly rebuilt: number;
}

export function newAudit(
  project: ProjectId,
  id: string,
  { range, repairs }: AuditQuestion,
  now: number,
  kind: AuditState["kind"] = "auditCounts",
): KeptJob {
  const begun = { doneUntil: null, found: nothingFound, rebuilt: 0 };
  const state: AuditState = { ...waiting(now), ...begun, kind, range, repairs };
  return newJob(project, id, state);
}

/**
 * Carry out an audit, or the making of rollups anew, to its end. Each hour may be gone through
 * twice. Ends early where somebody else has gone on with the job, or `isEnding`.
 * @param found told of what each hour brought
 * @throws what the store throws; then it may be tried again
 */
export async function carryOutAudit(
  worker: Worker,
  kept: KeptJob,
  found: (report: AuditReport) => void,
): Promise<void> {
  const { store, now } = worker;
  const progress = new Progress<AuditState>(worker, kept);
  if (!(await progress.begin())) return;
  const { kind, range, repairs, doneUntil } = progress.state;
  const left = { ...range, from: doneUntil ?? range.from };
  for await (const hour of hoursOf(store, kept.project, left)) {
    if (worker.isEnding()) return progress.leave();
    const until = Math.min(hour.start + grainMs.hour, range.to);
    if (kind === "rebuildRollups") {
      const rebuilt = progress.state.rebuilt + (await rebuildHour(store, hour, range));
      if (!(await progress.note({ rebuilt, doneUntil: until, tries: 0 }))) return;
      continue;
    }
    const report = await auditHour({ store, now, repairs }, hour, range);
    found(report);
    const all = together(progress.state.found, report);
    if (!(await progress.note({ found: all, doneUntil: until, tries: 0 }))) return;
  }
  await progress.finish({ doneUntil: range.to });
}

export function shownAudit(job: KeptJob): ShownJob {
  const { kind, range, doneUntil, found, rebuilt } = stateOf<AuditState>(job);
  return {
    ...shownState(job),
    kind,
    range: metaRange(range),
    doneUntil: doneUntil === null ? null : new Date(doneUntil).toISOString(),
    ...(kind === "auditCounts" ? { found } : { rebuilt }),
  };
}

/** Where the auditor stands, which goes round all projects: kept as a job of no project. */
interface Round extends JobState {
  readonly kind: "round";
  /** The last hour that was audited. */
  readonly hour: { readonly project: ProjectId; readonly start: number } | null;
}

/** So long after its end an hour is audited: by far most of its events are counted by then. */
const sealedAfterMs = 600_000;

const noProject = "";
const round = "auditor";

/**
 * Audit the next hour of all there are, one project after the other, and repair what differs; over
 * and over. Whoever comes first audits it: of several processes each audits another hour, and not
 * more than one a period.
 * @returns what was found, and in which hour; `undefined` where it is not time
 */
export async function auditNext(
  worker: Worker,
  everyMs: number,
): Promise<{ readonly hour: Bucket; readonly report: AuditReport } | undefined> {
  const { store, now } = worker;
  const kept = (await store.job(noProject, round)) ?? firstRound(now());
  const { hour, updatedAt } = stateOf<Round>(kept);
  if (kept.revision > 0 && now() - updatedAt < everyMs / 2) return undefined;
  const next = await hourAfter(worker, hour);
  const state: Round = { ...stateOf<Round>(kept), hour: next ?? hour, updatedAt: now() };
  const revision = kept.revision + 1;
  if (!(await store.putJob({ ...kept, revision, state: JSON.stringify(state) }))) return undefined;
  if (next === undefined) return undefined;
  const range = { from: startOf("day", next.start), to: next.start + grainMs.hour };
  const report = await auditHour({ store, now, repairs: true }, next, range);
  return { hour: next, report };
}

/** The hour after one, of those that are over for a while and may hold anything; round and round. */
async function hourAfter(
  { store, now }: Pick<Worker, "store" | "now">,
  last: Round["hour"],
): Promise<Bucket | undefined> {
  const until = now() - sealedAfterMs;
  let day = last === null ? undefined : dayOf(last);
  for (let rounds = 0; rounds < 2;) {
    if (day !== undefined) {
      for (const hour of childrenOf(day)) {
        const isBehind = last === null || day.project !== last.project || hour.start > last.start;
        const isOver = hour.start + grainMs.hour <= until;
        if (!isBehind || !isOver) continue;
        if (isLastOfDay(hour) || (await mayHold(store, hour))) return hour;
      }
    }
    day = await store.nextDay(day);
    if (day !== undefined) continue;
    rounds += 1;
    last = null;
  }
  return undefined;
}

function dayOf({ project, start }: NonNullable<Round["hour"]>): Bucket {
  return { project, grain: "day", start: startOf("day", start) };
}

function firstRound(now: number): KeptJob {
  const state: Round = { ...waiting(now), kind: "round", hour: null };
  return { ...newJob(noProject, round, state), revision: 0, isOpen: false };
}
