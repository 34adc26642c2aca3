import { childrenOf, grainMs, startOf, type Bucket } from "../counting/bucket.ts";
import type { ProjectId } from "../event/event.ts";
import { noProject, type KeptJob } from "./jobs.ts";
import { newJob, stateOf, waiting } from "./job-progress.ts";
import type { JobState, Worker } from "./job-progress.ts";

/**
 * The progress of compaction, which visits all projects in turn. It is kept as a job without a
 * project.
 */
interface Round extends JobState {
  readonly kind: "compaction";
  /** The last day that was compacted. */
  readonly day: { readonly project: ProjectId; readonly start: number } | null;
}

/**
 * The age from which batches are compacted. An older batch is delivered again only from the dead
 * letters, or after its queue stood still for as long: then its minutes are counted anew, which is
 * right but slower.
 */
export const compactAfterMs = grainMs.day;

/** The most minutes that one call compacts. */
const minutesAtOnce = 25;

const round = "compaction";

/**
 * Compacts the next day of all projects, one project after the other, over and over. If several
 * processes call it, one of them compacts the day; a day that was left unfinished is finished in
 * the next round. It begins a day after the first call: by then every process that stores batches
 * knows of compaction.
 * @returns how many deltas are gone
 */
export async function compactNext(worker: Omit<Worker, "owner">): Promise<number> {
  const { store, now, isEnding } = worker;
  const kept = await store.job(noProject, round);
  if (kept === undefined) {
    await store.putJob(firstRound(now()));
    return 0;
  }
  const state = stateOf<Round>(kept);
  if (state.createdAt > now()) {
    // Written before the clock was set back: the day begins anew.
    const anew: Round = { ...state, createdAt: now() };
    await store.putJob({ ...kept, revision: kept.revision + 1, state: JSON.stringify(anew) });
    return 0;
  }
  const madeUntil = now() - compactAfterMs;
  if (madeUntil < state.createdAt) return 0;
  const day = await store.nextDay(state.day === null ? undefined : dayOf(state.day));
  const place = day === undefined ? null : { project: day.project, start: day.start };
  const next: Round = { ...state, day: place, updatedAt: now() };
  const revision = kept.revision + 1;
  if (!(await store.putJob({ ...kept, revision, state: JSON.stringify(next) }))) return 0;
  if (day === undefined) return 0;
  let removed = 0;
  for (const { project, start } of childrenOf(day)) {
    for (let from: number | undefined = start; from !== undefined && !isEnding();) {
      const range = { from, to: start + grainMs.hour };
      const { deltas, next: left } = await store.compact(project, range, madeUntil, minutesAtOnce);
      removed += deltas;
      from = left;
    }
  }
  return removed;
}

function dayOf({ project, start }: NonNullable<Round["day"]>): Bucket {
  return { project, grain: "day", start: startOf("day", start) };
}

function firstRound(now: number): KeptJob {
  const state: Round = { ...waiting(now), kind: "compaction", day: null };
  return { ...newJob(noProject, round, state), isOpen: false };
}
