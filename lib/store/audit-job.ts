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
import { pacedBy } from "./pace.ts";
import { auditHour, hoursOf, isLastOfDay, mayHold, rebuildHour } from "./audit.ts";
import { noProject, type KeptJob } from "./jobs.ts";
import { newJob, shownState, stateOf, underLease, waiting } from "./job-progress.ts";
import type { JobOutcome, JobState, Progress, Worker } from "./job-progress.ts";

/** As `restFactor`, of an audit or a rebuild that somebody waits for. */
const askedRestFactor = 1;

/** The state of an audit or a rebuild, which goes hour by hour. */
export interface AuditState extends JobState {
  readonly kind: "auditCounts" | "rebuildRollups";
  readonly range: Range;
  readonly repairs: boolean;
  /** The instant up to which it has come. */
  readonly doneUntil: number | null;
  readonly found: AuditReport;
  readonly rebuilt: number;
}

/**
 * A new audit or rebuild. An audit looks at the part of its range that is settled at its request:
 * the job's range says which.
 */
export function newAudit(
  project: ProjectId,
  id: string,
  { range: wanted, repairs }: AuditQuestion,
  now: number,
  kind: AuditState["kind"] = "auditCounts",
): KeptJob {
  const begun = { doneUntil: null, found: nothingFound, rebuilt: 0 };
  const range = kind === "auditCounts" ? settledPart(wanted, now) : wanted;
  const state: AuditState = { ...waiting(now), ...begun, kind, range, repairs };
  return newJob(project, id, state);
}

/**
 * Carries out an audit or a rebuild to its end. Each hour may be processed twice. Ends early where
 * another worker has continued the job, the worker's turn is over, or `isEnding`.
 * @param found called with the result of each hour
 * @throws what the store throws; the job may then be tried again
 */
export function carryOutAudit(
  worker: Worker,
  kept: KeptJob,
  found: (report: AuditReport) => void,
): Promise<JobOutcome> {
  return underLease<AuditState, JobOutcome>(worker, kept, (progress) =>
    goOn(worker, progress, kept.project, found),
  );
}

async function goOn(
  { store, now }: Worker,
  progress: Progress<AuditState>,
  project: ProjectId,
  found: (report: AuditReport) => void,
): Promise<JobOutcome> {
  if (!(await progress.begin())) return "lost";
  const { isEnding } = progress;
  const paced = pacedBy(askedRestFactor, isEnding);
  const { kind, range, repairs, doneUntil } = progress.state;
  const left = { ...range, from: doneUntil ?? range.from };
  for await (const hour of hoursOf(store, project, left)) {
    // The last one, of which the range has a part, and whose worker died before it said so.
    if (doneUntil !== null && hour.start < doneUntil) continue;
    if (!progress.takeStep()) return progress.leave();
    const until = Math.min(hour.start + grainMs.hour, range.to);
    const done = { doneUntil: until, tries: 0 };
    if (kind === "rebuildRollups") {
      const minutes = await paced(() => rebuildHour(store, hour, range, isEnding));
      if (isEnding()) return progress.leave();
      await progress.note({ ...done, rebuilt: progress.state.rebuilt + minutes });
    } else {
      const report = await auditHour({ store, now, repairs, paced, isEnding }, hour, range);
      if (isEnding()) return progress.leave();
      found(report);
      await progress.note({ ...done, found: together(progress.state.found, report) });
    }
  }
  return progress.finish({ doneUntil: range.to });
}

function settledPart({ from, to }: Range, now: number): Range {
  return { from, to: Math.max(from, Math.min(to, settledUntil(now))) };
}

/**
 * The instant up to which minutes are audited. Later ones still get events, and the count of a
 * minute that changes meanwhile is begun anew.
 */
export function settledUntil(now: number): number {
  return startOf("minute", now - sealedAfterMs);
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

/**
 * The position of the auditor, which visits all projects in turn: kept as a job without a project.
 */
interface Round extends JobState {
  readonly kind: "round";
  /** The last hour that was audited. */
  readonly hour: { readonly project: ProjectId; readonly start: number } | null;
}

/**
 * The rest after each minute, as a multiple of its time: an hour may have many millions of events,
 * and the auditor takes a tenth of a processor at most.
 */
const restFactor = 9;

/** A bucket is audited this long after its end: by then by far most of its events are counted. */
const sealedAfterMs = 600_000;

const round = "auditor";

/**
 * Audits the next hour of all projects in turn, repeats for ever, and repairs differences. Of
 * several processes each audits another hour, and together no more than one a period.
 * @returns the result and its hour; `undefined` where no hour is due
 */
export async function auditNext(
  worker: Worker,
  everyMs: number,
): Promise<{ readonly hour: Bucket; readonly report: AuditReport } | undefined> {
  const { store, now } = worker;
  const kept = (await store.job(noProject, round)) ?? firstRound(now());
  const { hour, updatedAt } = stateOf<Round>(kept);
  // An instant in the future was written before the clock was set back.
  if (kept.revision > 0 && Math.abs(now() - updatedAt) < everyMs / 2) return undefined;
  const next = await hourAfter(worker, hour);
  const state: Round = { ...stateOf<Round>(kept), hour: next ?? hour, updatedAt: now() };
  const revision = kept.revision + 1;
  if (!(await store.putJob({ ...kept, revision, state: JSON.stringify(state) }))) return undefined;
  if (next === undefined) return undefined;
  const range = { from: startOf("day", next.start), to: next.start + grainMs.hour };
  const { isEnding } = worker;
  const paced = pacedBy(restFactor, isEnding);
  const report = await auditHour({ store, now, repairs: true, paced, isEnding }, next, range);
  return { hour: next, report };
}

/**
 * The next hour, among those that ended some time ago and may hold events; after the last the
 * first.
 */
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
