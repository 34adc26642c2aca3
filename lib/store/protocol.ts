import {
  grains,
  parentOf,
  startOf,
  type Bucket,
  type DirtyMark,
  type Grain,
} from "../counting/bucket.ts";
import type { EventId, ProjectId, StoredEvent } from "../event/event.ts";
import type { EventOutcome } from "../event/receipt.ts";
import { fewDeltas, type Delta, type EnrichDone } from "../counting/delta.ts";
import { membersByMinute } from "./members.ts";
import { unpack } from "./rows.ts";
import type { BatchPack, EventStore, Ownership, StillChanging } from "./store.ts";

/**
 * The counting protocol (docs/protocol.md) over any store. The order of the steps is the contract:
 * each step is durable before the next begins, or at the same moment, and any of them may be
 * repeated.
 */

/** Recounts the deltas of a batch that owns only some of its events. Pure. */
type DeltasOf = (events: readonly StoredEvent[]) => Promise<readonly Delta[]>;

/**
 * Steps 2 to 5: inserts the events, finds out which of them this batch owns, writes their deltas,
 * marks their minutes. When it has resolved, the message may be acknowledged; when it throws, it
 * must not.
 * @param appended the result of steps 2 and 3, where they were done already
 */
export async function storeBatch(
  store: EventStore,
  { batch, events, deltas, broken = [] }: EnrichDone,
  deltasOf: DeltasOf,
  appended?: Ownership,
): Promise<Ownership> {
  const ownership = appended ?? (await store.append(batch, events, broken));
  const all = [...events, ...broken.map(({ event }) => event)];
  // An earlier delivery may have stored an event that this one finds broken, or the other way
  // round.
  const owns = ({ id }: StoredEvent) => ownership.owned.has(id);
  const ownsWhole = ownership.owned.size === events.length && events.every(owns);
  const own = all.filter(owns);
  const owned = ownsWhole ? deltas : await deltasOf(own);
  if (owned.length > 0) await store.putDeltas(withMembers(owned, own));
  // Marks also on redelivery, and buckets of which nothing is owned: another delivery may have
  // stopped right before this.
  await store.markDirty(minutesOf(all));
  return ownership;
}

function withMembers(deltas: readonly Delta[], own: readonly StoredEvent[]): readonly Delta[] {
  const members = membersByMinute(own);
  return deltas.map((delta) => ({ ...delta, members: members.get(delta.bucket.start) }));
}

/** The result of storing a batch. */
export interface Stored {
  readonly owned: number;
  /**
   * Events whose id was already stored by another batch: with the same content, and with other
   * content.
   */
  readonly duplicates: number;
  readonly conflicts: number;
  /** Events in quarantine. */
  readonly held: number;
  /** Events that were erased, or are older than the project's retention. */
  readonly refused: number;
}

/**
 * `storeBatch` for a packed batch, in one call where the store has one for it.
 * @param leftOut the ids of events of the batch that this delivery does not bring
 */
export async function storePack(
  store: EventStore,
  packed: BatchPack,
  deltasOf: DeltasOf,
  leftOut: readonly EventId[] = [],
): Promise<Stored> {
  const stored = await keep(store, packed, deltasOf);
  if (leftOut.length > 0) await countLeftOut(store, packed, leftOut);
  return stored;
}

async function keep(store: EventStore, packed: BatchPack, deltasOf: DeltasOf): Promise<Stored> {
  // Most batches own all of their events.
  const kept = packed.broken === 0 && ((await store.keepWhole?.(packed)) ?? false);
  if (kept === true) {
    return { owned: packed.count, duplicates: 0, conflicts: 0, held: 0, refused: 0 };
  }
  const done = unpack(packed);
  const { owned, foreign, held } = await storeBatch(store, done, deltasOf, kept || undefined);
  const all = [...done.events, ...(done.broken ?? []).map(({ event }) => event)];
  const hashes = new Map(all.map(({ id, hash }) => [id, hash]));
  const conflicts = foreign.filter(({ id, hash }) => hashes.get(id) !== hash).length;
  const duplicates = foreign.length - conflicts;
  const refused = hashes.size - owned.size - foreign.length - held.size;
  return { owned: owned.size, duplicates, conflicts, held: held.size, refused };
}

/**
 * Counts events that a delivery leaves out, and that an earlier one may have stored and not counted:
 * the batch owns them all the same.
 */
async function countLeftOut(
  store: EventStore,
  { batch, project }: Pick<BatchPack, "batch" | "project">,
  leftOut: readonly EventId[],
): Promise<void> {
  const holders = await Promise.all(leftOut.map((id) => store.holder(project, id)));
  const own = holders.filter((holder) => holder?.batch === batch);
  const starts = new Set(own.map((holder) => startOf("minute", holder!.timestamp)));
  const minutes = [...starts].map((start): Bucket => ({ project, grain: "minute", start }));
  for (const minute of minutes) await store.complete(minute, [batch]);
  if (minutes.length > 0) await store.recount(minutes);
}

/**
 * The outcome of an event that was published: the rule by which `storePack` counts, for a client
 * that waits.
 * @param published its id, the batch that carried it and its content's hash
 */
export async function outcomeOf(
  store: Pick<EventStore, "event" | "quarantine">,
  project: ProjectId,
  { id, batch, hash }: Pick<StoredEvent, "id" | "batch" | "hash">,
): Promise<EventOutcome> {
  const found = await store.event(project, id);
  if (found?.batch === batch) return "stored";
  if (found !== undefined) return found.hash === hash ? "duplicate" : "conflict";
  const held = (await store.quarantine.find(project, id))?.held.event;
  if (held === undefined) return "pending";
  return held.batch === batch || held.hash === hash ? "quarantined" : "conflict";
}

function minutesOf(events: readonly StoredEvent[]): Bucket[] {
  const minutes = new Map<number, Bucket>();
  for (const { project, timestamp } of events) {
    const start = startOf("minute", timestamp);
    if (!minutes.has(start)) minutes.set(start, { project, grain: "minute", start });
  }
  return [...minutes.values()];
}

/** The result of one pass over the dirty buckets of a grain. */
interface Pass {
  readonly grain: Grain;
  readonly buckets: number;
}

const condenseFrom = 64;

/**
 * One pass over up to `limit` dirty buckets of a grain: writes the rollup of each, then marks the
 * parents, then clears the marks whose nonce has not changed.
 * @param changing the marks that are left for later
 */
export async function rollUp(
  store: EventStore,
  grain: Grain,
  limit: number,
  changing?: StillChanging,
): Promise<Pass> {
  // In the order of time, so that what is read or written together lies together in the store.
  const marks = (await store.dirty(grain, limit, changing)).toSorted(byTime);
  if (grain !== "minute" && store.rollUpMarked !== undefined) {
    await store.rollUpMarked(marks);
    return { grain, buckets: marks.length };
  }
  await Promise.all(marks.map((mark) => rewrite(store, mark.bucket)));
  // Parents are marked after every rollup of the pass and before any mark is cleared, so no reader
  // misses a mark.
  const buckets = marks.map(({ bucket }) => bucket);
  await Promise.all(parentsOf(buckets).map((parent) => store.markParent(parent)));
  await Promise.all(marks.map((mark) => store.clearMark(mark)));
  return { grain, buckets: marks.length };
}

function byTime({ bucket: a }: DirtyMark, { bucket: b }: DirtyMark): number {
  return a.project === b.project ? a.start - b.start : a.project < b.project ? -1 : 1;
}

async function rewrite(store: EventStore, bucket: Bucket): Promise<void> {
  if (bucket.grain !== "minute") {
    return store.writeRollup(bucket, await store.sumChildren(bucket));
  }
  const sum = await store.sumDeltas(bucket);
  await store.writeRollup(bucket, sum, sum.v < fewDeltas ? "stored" : "any");
  if (sum.v >= condenseFrom) await store.condense(bucket);
}

/**
 * Writes the rollups of recounted minutes and those above them, as later passes would: so the old
 * counts stay in a rollup only as long as the next pass over it takes.
 */
export async function rewriteUp(store: EventStore, minutes: readonly Bucket[]): Promise<void> {
  for (let buckets = minutes; buckets.length > 0;) {
    await Promise.all(buckets.map((bucket) => rewrite(store, bucket)));
    const parents = parentsOf(buckets);
    await Promise.all(parents.map((parent) => store.markParent(parent)));
    buckets = parents;
  }
}

function parentsOf(buckets: readonly Bucket[]): Bucket[] {
  const parents = new Map<string, Bucket>();
  for (const bucket of buckets) {
    const parent = parentOf(bucket);
    if (parent !== undefined) parents.set(`${parent.project}|${parent.start}`, parent);
  }
  return [...parents.values()];
}

/** Passes from the finest grain to the coarsest until no bucket is dirty. For tests and tools. */
export async function rollUpAll(store: EventStore, limit: number): Promise<number> {
  let buckets = 0;
  for (const grain of grains) {
    for (;;) {
      const pass = await rollUp(store, grain, limit);
      buckets += pass.buckets;
      if (pass.buckets === 0) break;
    }
  }
  return buckets;
}
