import { startOf, type Bucket } from "../counting/bucket.ts";
import type { ProjectId } from "../event/event.ts";
import type { EventFilter, EventQuery } from "../event/filter.ts";
import type { Position } from "../event/event-page.ts";
import type { Erasure, ErasureQuestion, ShownJob } from "../questions/erasing.ts";
import { subjectOf, type Erasable } from "./erasing.ts";
import type { KeptJob } from "./jobs.ts";
import { settle } from "./protocol.ts";
import type { EventStore } from "./store.ts";

/** So many events are erased, and their minutes recounted, between two notes of how far it is. */
const sliceSize = 1_000;

/** So many buckets are recounted or settled at a time. */
const bucketsAtOnce = 100;

/** After so long without a note whoever had a job is taken to be gone. Two at once do no harm. */
const leaseMs = 20_000;

/** Whoever tried so often in turn says so. */
const manyTries = 10;

/** What is kept of an erasure. */
export interface ErasureState {
  readonly erasure: Erasure | { readonly kind: "eraseSubject"; readonly subject: string };
  readonly reusable: boolean;
  readonly status: ShownJob["status"];
  /** When it was asked for, epoch milliseconds: what was accepted up to then is erased. */
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly finishedAt: number | null;
  /** How many events are gone. */
  readonly erased: number;
  /** What is being erased. Noted before anything is: who takes the job over finishes it. */
  readonly slice: readonly Erasable[];
  /** Up to where this walk over the events has come; absent at its beginning. */
  readonly after?: Position;
  readonly owner: string | null;
  /** How often in turn it could not go on. */
  readonly tries: number;
}

export function newErasure(
  project: ProjectId,
  id: string,
  { erasure, reusable }: ErasureQuestion,
  now: number,
): KeptJob {
  const state: ErasureState = {
    erasure,
    reusable,
    status: "waiting",
    createdAt: now,
    updatedAt: now,
    finishedAt: null,
    erased: 0,
    slice: [],
    owner: null,
    tries: 0,
  };
  return { project, id, revision: 1, isOpen: true, state: JSON.stringify(state) };
}

export function stateOf({ state }: KeptJob): ErasureState {
  return JSON.parse(state) as ErasureState;
}

/** Whether somebody may go on with a job: nobody else does. */
export function isFree(job: KeptJob, owner: string, now: number): boolean {
  const state = stateOf(job);
  return state.owner === null || state.owner === owner || now - state.updatedAt > leaseMs;
}

/** Who carries out a job, and by which clock. */
export interface Worker {
  readonly store: EventStore;
  readonly owner: string;
  readonly now: () => number;
  /** To be asked between two steps. */
  readonly isEnding: () => boolean;
  readonly erased: (events: number) => void;
}

/**
 * Carry out an erasure to its end. Every step may be repeated, and what is under way is noted
 * before it is begun: whoever comes after a crash begins with what was noted. Ends early where
 * somebody else has gone on with the job, or `isEnding`.
 * @throws what the store throws; then it may be tried again
 */
export async function carryOut(worker: Worker, kept: KeptJob): Promise<void> {
  const { store, now, owner } = worker;
  const { project } = kept;
  let job = kept;
  let state = stateOf(kept);
  const note = async (change: Partial<ErasureState>): Promise<boolean> => {
    const next = { ...state, status: "running" as const, owner, ...change, updatedAt: now() };
    const isOpen = next.finishedAt === null;
    const written = {
      ...job,
      revision: job.revision + 1,
      isOpen,
      state: JSON.stringify(next),
    };
    if (!(await store.putJob(written))) return false;
    [job, state] = [written, next];
    return true;
  };

  const { erasure } = state;
  if ("subject" in erasure) return;
  const tries = state.tries + 1;
  if (!(await note({ tries, status: tries < manyTries ? "running" : "failing" }))) return;
  await prepare(store, project, state);
  while (!worker.isEnding()) {
    if (state.slice.length > 0) {
      await eraseSlice(store, project, state);
      worker.erased(state.slice.length);
      const last = state.slice.at(-1)!;
      const after = { timestamp: last.timestamp, id: last.id };
      const erased = state.erased + state.slice.length;
      if (!(await note({ slice: [], erased, after, tries: 0 }))) return;
      continue;
    }
    const slice = await nextSlice(store, project, state);
    if (slice.length > 0) {
      if (!(await note({ slice }))) return;
    } else if (state.after !== undefined) {
      // What was stored meanwhile may lie before the place that was reached.
      const { after: _, ...rest } = state;
      state = rest;
      if (!(await note({}))) return;
    } else {
      const nameless =
        erasure.kind === "eraseSubject"
          ? { kind: erasure.kind, subject: subjectOf(project, erasure.userId) }
          : erasure;
      await note({ status: "done", finishedAt: now(), erasure: nameless, owner: null });
      return;
    }
  }
  await note({ owner: null, tries: 0 });
}

/** What must stand before the first event is looked for. */
export async function prepare(
  store: EventStore,
  project: ProjectId,
  { erasure, createdAt, reusable }: Pick<ErasureState, "erasure" | "createdAt" | "reusable">,
): Promise<void> {
  if (erasure.kind === "eraseSubject" && "userId" in erasure) {
    await store.fence(project, erasure.userId, createdAt);
  }
  if (erasure.kind === "eraseEvent") {
    await store.refuse(project, erasure.id, { at: createdAt, reusable });
  }
}

async function nextSlice(
  store: EventStore,
  project: ProjectId,
  state: ErasureState,
): Promise<readonly Erasable[]> {
  const { erasure } = state;
  if (erasure.kind === "eraseEvent") {
    // Where it is not stored it is refused; where it came in between it is stored.
    const refusal = { at: state.createdAt, reusable: state.reusable };
    if (await store.refuse(project, erasure.id, refusal)) return [];
    const held = await store.holder(project, erasure.id);
    if (held === undefined || held.receivedAt > state.createdAt) return [];
    return [{ id: held.id, batch: held.batch, timestamp: held.timestamp }];
  }
  const found = await store.erasable(queryOf(project, state));
  if (found.length > 0 || !("userId" in erasure) || store.unfinished === undefined) return found;
  return store.unfinished(project, erasure.userId);
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

async function eraseSlice(
  store: EventStore,
  project: ProjectId,
  { erasure, slice, createdAt, reusable }: ErasureState,
): Promise<void> {
  await store.erase(project, slice, { at: createdAt, reusable });
  const starts = new Set(slice.map(({ timestamp }) => startOf("minute", timestamp)));
  const minutes = [...starts].map((start): Bucket => ({ project, grain: "minute", start }));
  for (let at = 0; at < minutes.length; at += bucketsAtOnce) {
    const some = minutes.slice(at, at + bucketsAtOnce);
    await store.recount(some);
    await settle(store, some);
  }
  if (erasure.kind === "eraseSubject") await store.finished?.(project, slice);
}

export function shownJob(job: KeptJob): ShownJob {
  const { erasure, reusable, status, createdAt, updatedAt, finishedAt, erased } = stateOf(job);
  const isoOf = (instant: number) => new Date(instant).toISOString();
  return {
    id: job.id,
    kind: erasure.kind,
    status,
    createdAt: isoOf(createdAt),
    updatedAt: isoOf(updatedAt),
    finishedAt: finishedAt === null ? null : isoOf(finishedAt),
    erased,
    acceptedUntil: isoOf(createdAt),
    fenced: erasure.kind !== "eraseEvents",
    ids: reusable ? "reusable" : "refused",
  };
}
