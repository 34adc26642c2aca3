import { startOf, type Bucket } from "../counting/bucket.ts";
import type { ProjectId } from "../event/event.ts";
import type { EventFilter, EventQuery } from "../event/filter.ts";
import type { Position } from "../event/event-page.ts";
import type { Erasure, ErasureQuestion } from "../questions/erasing.ts";
import type { ShownJob } from "../questions/jobs.ts";
import { subjectOf, type Erasable, type ErasablePage, type Refusal } from "./erasing.ts";
import type { KeptJob } from "./jobs.ts";
import { newJob, shownState, stateOf, underLease, waiting } from "./job-progress.ts";
import type { JobOutcome, JobState, Progress, Worker } from "./job-progress.ts";
import { rewriteUp } from "./protocol.ts";
import type { EventStore } from "./store.ts";

/**
 * The number of events that are erased, and whose minutes are recounted, between two notes of the
 * progress.
 */
const sliceSize = 1_000;

/** How long one search may take before its progress is noted, milliseconds. */
const searchMs = 1_000;

/** The number of buckets that are recounted or settled at a time. */
const bucketsAtOnce = 100;

/** What the worker of an erasure does besides. */
interface ErasureHooks {
  /** Called for each slice, with the number of its events. */
  readonly erased: (events: number) => void;
  /**
   * Called when nothing stored is left to erase, before the job is done: takes the events out of
   * what was never stored. May be called again.
   */
  readonly unstored?: () => Promise<void>;
}

/** The state of an erasure. It covers the events that were accepted up to its request. */
export interface ErasureState extends JobState {
  readonly erasure: Erasure | { readonly kind: "eraseSubject"; readonly subject: string };
  readonly reusable: boolean;
  /**
   * Of one event, when it is erased by its id: its instants; `null` where no event had the id and
   * none can have it any more.
   */
  readonly held?: { readonly timestamp: number; readonly receivedAt: number } | null | undefined;
  /** How many events were erased. */
  readonly erased: number;
  /**
   * The events that are being erased. They are noted before they are erased, so that another worker
   * can finish.
   */
  readonly slice: readonly Erasable[];
  /** The position that this walk over the events has reached; `null` at its beginning. */
  readonly after?: Position | null;
  /** Whether this walk has found any on its way to that position. */
  readonly found?: boolean;
}

export function newErasure(
  project: ProjectId,
  id: string,
  { erasure, reusable }: ErasureQuestion,
  now: number,
  held?: ErasureState["held"],
): KeptJob {
  const state: ErasureState = {
    ...waiting(now),
    erasure,
    reusable,
    held,
    erased: 0,
    slice: [],
    after: null,
  };
  return newJob(project, id, state);
}

/**
 * Carries out an erasure to its end. Every step may be repeated, and is noted before it is begun:
 * after a crash the next worker begins with the noted step. Ends early where another worker has
 * continued the job, the worker's turn is over, or `isEnding`.
 * @throws what the store throws; the job may then be tried again
 */
export function carryOut(worker: Worker, kept: KeptJob, hooks: ErasureHooks): Promise<JobOutcome> {
  return underLease<ErasureState, JobOutcome>(worker, kept, (progress) =>
    goOn(worker.store, progress, kept.project, hooks),
  );
}

async function goOn(
  store: EventStore,
  progress: Progress<ErasureState>,
  project: ProjectId,
  { erased, unstored }: ErasureHooks,
): Promise<JobOutcome> {
  const { erasure } = progress.state;
  if (!(await progress.begin())) return "lost";
  if ("subject" in erasure) return conclude(store, progress, erasure);
  await prepare(store, project, progress.state);
  while (progress.takeStep()) {
    const { state } = progress;
    if (state.slice.length > 0) {
      if (!(await eraseSlice(store, project, state, progress.isEnding))) break;
      erased(state.slice.length);
      const all = state.erased + state.slice.length;
      if (!(await progress.note({ slice: [], erased: all, tries: 0 }))) return "lost";
      continue;
    }
    const step = await nextStep(store, project, state);
    if (step === undefined) {
      await unstored?.();
      return conclude(store, progress, nameless(project, erasure));
    }
    if (!(await progress.note({ ...step, tries: 0 }))) return "lost";
  }
  return progress.leave();
}

/**
 * Ends a job of which nothing is left to erase. Its state names nobody any more before the store's
 * log is emptied, where the store has one.
 */
async function conclude(
  store: EventStore,
  progress: Progress<ErasureState>,
  erasure: ErasureState["erasure"],
): Promise<JobOutcome> {
  if (store.forgetRemoved !== undefined) {
    if (!(await progress.note({ erasure }))) return "lost";
    await store.forgetRemoved();
  }
  return progress.finish({ erasure });
}

function nameless(project: ProjectId, erasure: Erasure): ErasureState["erasure"] {
  if (erasure.kind !== "eraseSubject") return erasure;
  return { kind: erasure.kind, subject: subjectOf(project, erasure.userId) };
}

/**
 * Accepts an erasure. Once it resolves a crash can no longer lose the job, the store accepts none of
 * its events any more, and no answer that is begun afterwards shows any (`hiddenOf`).
 */
export async function acceptErasure(
  store: EventStore,
  project: ProjectId,
  id: string,
  question: ErasureQuestion,
  now: number,
): Promise<KeptJob> {
  const { erasure, reusable } = question;
  let held: ErasureState["held"];
  if (erasure.kind === "eraseEvent") {
    const isRefused = await store.refuse(project, erasure.id, { at: now, reusable });
    const existing = isRefused ? undefined : await store.holder(project, erasure.id);
    held = isRefused
      ? null
      : existing && { timestamp: existing.timestamp, receivedAt: existing.receivedAt };
  }
  const job = newErasure(project, id, question, now, held);
  await store.putJob(job);
  await prepare(store, project, stateOf<ErasureState>(job));
  return job;
}

/** Prepares the erasure: this must be done before the first event is looked for. */
async function prepare(
  store: EventStore,
  project: ProjectId,
  { erasure, createdAt, reusable }: Pick<ErasureState, "erasure" | "createdAt" | "reusable">,
): Promise<void> {
  if (erasure.kind === "eraseSubject" && "userId" in erasure) {
    await store.fence(project, erasure.userId, createdAt, reusable);
  }
  if (erasure.kind === "eraseEvent") {
    await store.refuse(project, erasure.id, { at: createdAt, reusable });
  }
}

/**
 * Searches on from where the walk has come to.
 * @returns what is to be noted; `undefined` where a whole walk has found nothing
 */
async function nextStep(
  store: EventStore,
  project: ProjectId,
  state: ErasureState,
): Promise<Partial<ErasureState> | undefined> {
  const { events: slice, next: after = null } = await search(store, project, state);
  if (slice.length > 0) return { slice, after, found: true };
  const isEmpty = !state.after || state.found === false;
  if (after !== null) return { after, found: !isEmpty };
  // Events that were stored meanwhile may lie before the position that was reached.
  return isEmpty ? undefined : { after };
}

async function search(
  store: EventStore,
  project: ProjectId,
  state: ErasureState,
): Promise<ErasablePage> {
  const { erasure } = state;
  if (erasure.kind === "eraseEvent") {
    // An id without an event is refused; an event that came in between is erased.
    const refusal = { at: state.createdAt, reusable: state.reusable };
    if (await store.refuse(project, erasure.id, refusal)) return { events: [] };
    const held = await store.holder(project, erasure.id);
    if (held === undefined || held.receivedAt > state.createdAt) return { events: [] };
    return { events: [{ id: held.id, batch: held.batch, timestamp: held.timestamp }] };
  }
  const found = await store.erasable(queryOf(project, state), searchMs);
  const isAtEnd = found.events.length === 0 && found.next === undefined;
  if (!isAtEnd || !("userId" in erasure) || store.unfinished === undefined) return found;
  return { events: await store.unfinished(project, erasure.userId) };
}

function queryOf(project: ProjectId, { erasure, createdAt, after }: ErasureState): EventQuery {
  const filter: EventFilter =
    "filter" in erasure
      ? { ...erasure.filter, project }
      : { project, ...("userId" in erasure && { userId: erasure.userId }) };
  const accepted = { path: ["receivedAt"], op: "lte", value: createdAt } as const;
  return {
    ...filter,
    where: [...(filter.where ?? []), accepted],
    order: "asc",
    limit: sliceSize,
    ...(after && { after }),
  };
}

/** @returns as `eraseWhole` */
async function eraseSlice(
  store: EventStore,
  project: ProjectId,
  { erasure, slice, createdAt, reusable }: ErasureState,
  isEnding: () => boolean,
): Promise<boolean> {
  const userId = "userId" in erasure ? erasure.userId : undefined;
  const refusal = { at: createdAt, reusable, userId };
  const isDone = await eraseWhole(store, project, slice, refusal, isEnding);
  if (isDone && erasure.kind === "eraseSubject") await store.finished?.(project, slice);
  return isDone;
}

/**
 * Erases events, and makes the counts anew that may hold them. May be repeated.
 * @returns false where it was ended early, and not all is done
 */
export async function eraseWhole(
  store: EventStore,
  project: ProjectId,
  gone: readonly Erasable[],
  { userId, ...refusal }: Refusal & { readonly userId?: string | undefined },
  isEnding = () => false,
): Promise<boolean> {
  await store.erase(project, gone, refusal, userId);
  const starts = new Set(gone.map(({ timestamp }) => startOf("minute", timestamp)));
  const minutes = [...starts].map((start): Bucket => ({ project, grain: "minute", start }));
  for (let at = 0; at < minutes.length; at += bucketsAtOnce) {
    if (isEnding()) return false;
    const some = minutes.slice(at, at + bucketsAtOnce);
    await store.recount(some);
    await rewriteUp(store, some);
  }
  return true;
}

export function shownErasure(job: KeptJob): ShownJob {
  const { erasure, reusable, createdAt, erased } = stateOf<ErasureState>(job);
  return {
    ...shownState(job),
    kind: erasure.kind,
    erased,
    acceptedUntil: new Date(createdAt).toISOString(),
    fenced: erasure.kind !== "eraseEvents",
    ids: reusable ? "reusable" : "refused",
  };
}
