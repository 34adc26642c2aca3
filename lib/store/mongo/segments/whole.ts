import type { BatchId } from "../../../event/event.ts";
import { inOneAnswer, type Collections, type EventDocument } from "../documents.ts";
import { upsertAll } from "../writes.ts";
import { announceStored } from "./announce.ts";
import { unsealedKey } from "./documents.ts";

/**
 * How long after the first sealer began processes of an earlier version may still store batches.
 * Such processes announce nothing, so the sealers walk over all batches after this time, and
 * announce those batches.
 */
const graceMs = 1_800_000;

/** The time without any sealer after which processes of an earlier version may have run again. */
const absentMs = 600_000;

/** The interval at which a sealer records that it is running. */
const sayEveryMs = 60_000;

/** For how long a reader relies on its last check: much shorter than the grace. */
const knownForMs = 5_000;

/** The number of batches that are read at a time. */
const stretch = 200;

/**
 * The counters: the instant since which sealers have been running, the instant at which a sealer
 * last recorded that, and the `since` whose walk is done.
 */
const keys = { since: "segmentsSince", said: "segmentsSaid", walked: "segmentsWalked" } as const;

interface State {
  readonly since: number;
  readonly said: number;
  /** The `since` whose walk over all batches is done. */
  readonly walked: number;
}

async function stateOf({ counters }: Collections): Promise<State> {
  const found = await counters.find({ _id: { $in: Object.values(keys) } }).toArray();
  const at = (_id: string) => found.find((one) => one._id === _id)?.n ?? 0;
  return { since: at(keys.since), said: at(keys.said), walked: at(keys.walked) };
}

type OwnedBatch = Pick<EventDocument, "batch" | "project">;

/** Remembers whether every stored batch is announced or in a segment. */
export class Wholeness {
  /** The last instant at which that was true, by `performance.now()`. */
  #wholeAt = -Infinity;

  async isWhole(collections: Collections, now = Date.now()): Promise<boolean> {
    const at = performance.now();
    if (at - this.#wholeAt < knownForMs) return true;
    const { since, said, walked } = await stateOf(collections);
    const isWhole = since > 0 && since === walked && now - said < absentMs;
    if (isWhole) this.#wholeAt = at;
    return isWhole;
  }
}

/** Announces each stored batch that is neither announced nor in a segment. */
export class Adoption {
  readonly #graceMs: number;
  #saidAt = -Infinity;
  #state: State | undefined;
  /** The last batch that the walk has passed. */
  #after: OwnedBatch | undefined;

  constructor(ownGraceMs = graceMs) {
    this.#graceMs = ownGraceMs;
  }

  /** Continues the walk, if it is time for one. @returns whether the walk has more batches now */
  async goOn(collections: Collections, now: number): Promise<boolean> {
    const { since, walked } = await this.#say(collections, now);
    if (since === walked || now - since < this.#graceMs) return false;
    const isMore = await this.#walk(collections);
    if (isMore) return true;
    await upsertAll(collections.counters, [{ _id: keys.walked, set: { n: since } }]);
    this.#saidAt = -Infinity;
    return false;
  }

  async #say(collections: Collections, now: number): Promise<State> {
    const isSaid = Math.abs(now - this.#saidAt) < sayEveryMs;
    if (this.#state !== undefined && isSaid) return this.#state;
    const { counters } = collections;
    const state = await stateOf(collections);
    // An instant far in the future was written before the clock was set back: the grace begins anew.
    const isAhead = state.since !== state.walked && state.since - now >= absentMs;
    const isNew = now - state.said >= absentMs || isAhead;
    const since = isNew ? now : state.since;
    // In an empty store no process of an earlier version has run.
    const isFirst = state.said === 0 && (await collections.events.findOne({})) === null;
    const walked = isFirst ? since : state.walked;
    if (since !== this.#state?.since) this.#after = undefined;
    if (isNew) await upsertAll(counters, [{ _id: keys.since, set: { n: since } }]);
    if (isFirst) await upsertAll(counters, [{ _id: keys.walked, set: { n: since } }]);
    await counters.updateOne({ _id: keys.said }, { $max: { n: now } }, { upsert: true });
    this.#saidAt = now;
    return (this.#state = { since, said: now, walked });
  }

  /** Walks over the batches in the order of their index. @returns whether there are more */
  async #walk(collections: Collections): Promise<boolean> {
    const found: OwnedBatch[] = [];
    while (found.length < stretch) {
      const next = await nextBatch(collections, found.at(-1) ?? this.#after);
      if (next === undefined) break;
      found.push(next);
    }
    for (const { project, batch } of await unknownAmong(collections, found)) {
      await announceStored(collections, project, batch);
    }
    this.#after = found.at(-1);
    return found.length === stretch;
  }
}

/** The next batch of the same project, or the first batch of the next project. */
async function nextBatch(
  { events }: Collections,
  after: OwnedBatch = { project: "", batch: "" },
): Promise<OwnedBatch | undefined> {
  const { project, batch } = after;
  for (const filter of [{ project, batch: { $gt: batch } }, { project: { $gt: project } }]) {
    const [next] = await events
      .find(filter)
      .sort({ project: 1, batch: 1 })
      .limit(1)
      .project<OwnedBatch>({ project: 1, batch: 1 })
      .toArray();
    if (next !== undefined) return next;
  }
  return undefined;
}

/**
 * Picks the batches that are neither announced nor in a segment. Announcements are looked up before
 * segments, as a batch moves from the one to the other.
 */
async function unknownAmong(
  { unsealed, segments }: Collections,
  found: readonly OwnedBatch[],
): Promise<readonly OwnedBatch[]> {
  if (found.length === 0) return [];
  const keys = found.map(({ project, batch }) => unsealedKey(project, batch));
  const open = await unsealed
    .find({ _id: { $in: keys } }, inOneAnswer)
    .project<{ _id: string }>({ _id: 1 })
    .toArray();
  const known = new Set(open.map(({ _id }) => _id));
  for (const [project, own] of Map.groupBy(found, (one) => one.project)) {
    const sealed = segments
      .find({ project, batches: { $in: own.map(({ batch }) => batch) } }, inOneAnswer)
      .project<{ batches: BatchId[] }>({ batches: 1 });
    for await (const { batches } of sealed)
      for (const batch of batches) known.add(unsealedKey(project, batch));
  }
  return found.filter(({ project, batch }) => !known.has(unsealedKey(project, batch)));
}
