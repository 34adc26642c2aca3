import {
  floorOf,
  floorsAt,
  highestFloor,
  isBelow,
  noFloors,
  raised,
  sameFloors,
  type Floors,
  type Retention,
} from "../counting/floors.ts";
import { grains } from "../counting/bucket.ts";
import { firstInstant, lastInstant } from "../event/instant.ts";
import type { ProjectId, StoredEvent } from "../event/event.ts";
import { isErasure, newJob, stateOf, underLease, waiting } from "./job-progress.ts";
import type { JobState, Progress, Worker } from "./job-progress.ts";
import { everyOpenJobWithoutProject, noProject, type JobStore, type KeptJob } from "./jobs.ts";
import { pacedBy } from "./pace.ts";
import type { EventStore } from "./store.ts";

/**
 * A project's retention and what it has dropped: kept as a job without a project, which never ends.
 * docs/protocol.md has the order of the steps.
 */
export interface RetentionState extends JobState {
  readonly kind: "retention";
  readonly project: ProjectId;
  /** The project's own; `null`: the defaults. */
  readonly retention: Retention | null;
  /** Older events are not accepted any more. */
  readonly refused: Floors;
  readonly refusedSince: number;
  /** Older data may be dropped, and is not recounted any more. */
  readonly sealed: Floors;
  /** Data up to here was dropped. */
  readonly lost: Floors;
  /** The first day of which something was dropped. */
  readonly lostFrom: number | null;
  /** Whether something may be left to drop. */
  readonly dropping: boolean;
}

/**
 * Data is refused for this long before it may be dropped: a process that stored an event before
 * knew of no floor, and by then it has counted and marked it, and those marks are worked off.
 */
export const graceMs = 600_000;

/** A retention that waits for this long, of the day until the floors rise again, is told. */
const heldUpMs = 6 * graceMs;

/** The number of rows that are removed at a time. */
const sliceSize = 1_000;

/** The rest after each slice, as a multiple of its time. */
const restFactor = 1;

const idOf = (project: ProjectId) => `retention ${project}`;

/** The key under which `jobs` keeps a project's floors. */
export function retentionKey(project: ProjectId): readonly [project: string, id: string] {
  return [noProject, idOf(project)];
}

export function isRetention(job: KeptJob): boolean {
  return job.project === noProject && job.id.startsWith(idOf(""));
}

/** The retention of every project that has an entry. */
export async function* everyRetention(store: JobStore): AsyncGenerator<KeptJob> {
  for await (const job of everyOpenJobWithoutProject(store)) if (isRetention(job)) yield job;
}

/** The data that answers may lack: data that may be dropped, and data that is. */
export type Gone = Pick<RetentionState, "sealed" | "lost" | "lostFrom">;

export async function goneOf(store: JobStore, project: ProjectId): Promise<Gone | undefined> {
  const job = await store.job(...retentionKey(project));
  if (job === undefined) return undefined;
  const { sealed, lost, lostFrom } = stateOf<RetentionState>(job);
  return { sealed, lost, lostFrom };
}

export async function sealedOf(store: JobStore, project: ProjectId): Promise<Floors> {
  return (await goneOf(store, project))?.sealed ?? noFloors;
}

export async function retentionOf(
  store: JobStore,
  project: ProjectId,
): Promise<RetentionState | undefined> {
  const job = await store.job(...retentionKey(project));
  return job && stateOf<RetentionState>(job);
}

/**
 * Tells the events of a project that are not accepted any more, because they are older than the
 * project keeps events of their type.
 */
export async function tooOldIn(
  store: JobStore,
  project: ProjectId,
): Promise<(event: Pick<StoredEvent, "type" | "timestamp">) => boolean> {
  const { refused = noFloors } = (await retentionOf(store, project)) ?? {};
  return ({ type, timestamp }) => isBelow(timestamp, floorOf(refused, type));
}

/** Saves a project's own retention. Dropped data stays dropped. */
export async function setRetention(
  store: JobStore,
  project: ProjectId,
  retention: Retention,
  now: number,
): Promise<RetentionState> {
  for (;;) {
    const job = (await store.job(...retentionKey(project))) ?? firstJob(project, now);
    const state: RetentionState = { ...stateOf<RetentionState>(job), retention, updatedAt: now };
    const next = { ...job, revision: job.revision + 1, state: JSON.stringify(state) };
    if (await store.putJob(next)) return state;
  }
}

/** Applies the defaults to every project that has no entry yet. */
export async function beginRetentions(store: EventStore, now: number): Promise<void> {
  let day = await store.nextDay();
  while (day !== undefined) {
    const { project } = day;
    if ((await store.job(...retentionKey(project))) === undefined) {
      await store.putJob({ ...firstJob(project, now), revision: 1 });
    }
    day = await store.nextDay({ project, grain: "day", start: lastInstant });
  }
}

function firstJob(project: ProjectId, now: number): KeptJob {
  const state: RetentionState = {
    ...waiting(now),
    kind: "retention",
    project,
    retention: null,
    refused: noFloors,
    refusedSince: now,
    sealed: noFloors,
    lost: noFloors,
    lostFrom: null,
    dropping: false,
  };
  return { ...newJob(noProject, idOf(project), state), revision: 0 };
}

/**
 * Continues a project's retention: refuse, seal, drop, each step durable before the next. Ends
 * where nothing is due, another worker has continued it, the worker's turn is over, or `isEnding`.
 * @param otherwise the retention of projects without their own
 * @returns how many rows were removed
 */
export function carryOutRetention(
  worker: Worker,
  job: KeptJob,
  otherwise: Retention,
): Promise<number> {
  return underLease<RetentionState, number>(worker, job, async (progress) => {
    if (!(await refuse(worker, progress, otherwise))) return 0;
    const isSealing = isSealable(progress.state, worker.now());
    // Before the long steps: the first note begins the lease.
    if (!(isSealing || progress.state.dropping) || !(await progress.note({ tries: 0 }))) return 0;
    if (isSealing && !(await seal(worker.store, progress))) return 0;
    return drop(worker.store, progress);
  });
}

/**
 * Announces the floors of today, and releases the job: the grace comes next. A floor that is not
 * sealed yet sinks where a longer retention was set meanwhile.
 * @returns as `note`
 */
async function refuse(
  { now }: Worker,
  progress: Progress<RetentionState>,
  otherwise: Retention,
): Promise<boolean> {
  const { refused, refusedSince, retention, sealed } = progress.state;
  const wanted = raised(sealed, floorsAt(retention ?? otherwise, now()));
  // An instant in the future was written before the clock was set back: the grace begins anew.
  if (sameFloors(wanted, refused) && refusedSince <= now()) return true;
  return progress.note({ refused: wanted, refusedSince: now(), owner: null, tries: 0 });
}

function isSealable({ refused, refusedSince, sealed }: RetentionState, now: number): boolean {
  return !sameFloors(refused, sealed) && now - refusedSince >= graceMs;
}

/** Whether data has been refused for much longer than the grace, and may still not be dropped. */
export function isHeldUp(job: KeptJob, now: number): boolean {
  const state = stateOf<RetentionState>(job);
  return isSealable(state, now) && now - state.refusedSince > heldUpMs;
}

/** @returns false where something below the floors is still under way, or the job is lost */
async function seal(store: EventStore, progress: Progress<RetentionState>): Promise<boolean> {
  const { project, refused, ...state } = progress.state;
  if (!(await isSettled(store, project, refused))) {
    await progress.leave();
    return false;
  }
  const { lost, from } = await store.below(project, refused);
  const lostFrom = state.lostFrom ?? from;
  const all = raised(state.lost, lost);
  return progress.note({ sealed: refused, lost: all, lostFrom, dropping: true });
}

async function drop(store: EventStore, progress: Progress<RetentionState>): Promise<number> {
  const { project, sealed } = progress.state;
  const paced = pacedBy(restFactor, progress.isEnding);
  let dropped = 0;
  while (progress.takeStep()) {
    const [removed, left] = await paced(async () => [
      await store.drop(project, sealed, sliceSize),
      (await store.shrink?.()) ?? 0,
    ]);
    dropped += removed;
    const dropping = removed > 0 || left > 0;
    if (!(await progress.note({ dropping, tries: 0 }))) return dropped;
    if (!dropping) break;
  }
  await progress.leave();
  return dropped;
}

/**
 * Whether every bucket below the floors is complete and no erasure is about to recount one. Audits
 * and rebuilds are not waited for: whoever recounts looks for the floor afterwards.
 */
async function isSettled(store: EventStore, project: ProjectId, floors: Floors): Promise<boolean> {
  const to = highestFloor(floors) ?? firstInstant;
  const marks = await store.marks(project, { from: firstInstant, to });
  if (grains.some((grain) => marks[grain].length > 0)) return false;
  return !(await store.openJobsOf(project)).some(isErasure);
}
