import type { BatchId } from "../../../event/event.ts";
import { inOneAnswer, type Collections, type EventDocument } from "../documents.ts";
import { upsertAll } from "../writes.ts";
import { announce } from "./announce.ts";
import { unsealedKey } from "./documents.ts";

/**
 * Processes of an earlier version announce nothing. So sealers announce their batches: they walk
 * over all batches once such processes have ended, this long after the first sealer began.
 */
const graceMs = 1_800_000;

/** After so long without a sealer, processes of an earlier version may have run again. */
const absentMs = 600_000;

/** How often a sealer records that it is at work. */
const sayEveryMs = 60_000;

/** How long readers rely on what they have read: much less than the grace. */
const knownForMs = 5_000;

/** How many batches are read at a time. */
const stretch = 200;

/**
 * The counters: since when sealers have been at work, when one last recorded that, and what they
 * have walked over.
 */
const keys = { since: "segmentsSince", said: "segmentsSaid", walked: "segmentsWalked" } as const;

interface State {
  readonly since: number;
  readonly said: number;
  /** The `since` for which all batches were walked over. */
  readonly walked: number;
}

async function stateOf({ counters }: Collections): Promise<State> {
  const found = await counters.find({ _id: { $in: Object.values(keys) } }).toArray();
  const at = (_id: string) => found.find((one) => one._id === _id)?.n ?? 0;
  return { since: at(keys.since), said: at(keys.said), walked: at(keys.walked) };
}

type OwnedBatch = Pick<EventDocument, "batch" | "project">;

/** What a reader knows about whether each stored batch is announced or in a segment. */
export class Wholeness {
  /** When that was last true, by `performance.now()`. */
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
  /** The last batch of the walk so far. */
  #after: OwnedBatch | undefined;

  constructor(ownGraceMs = graceMs) {
    this.#graceMs = ownGraceMs;
  }

  /** @returns whether more batches are to be walked over now */
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
    if (this.#state !== undefined && now - this.#saidAt < sayEveryMs) return this.#state;
    const { counters } = collections;
    const state = await stateOf(collections);
    const isNew = now - state.said >= absentMs;
    const since = isNew ? now : state.since;
    // In an empty store no earlier version has run.
    const isFirst = state.said === 0 && (await collections.events.findOne({})) === null;
    const walked = isFirst ? since : state.walked;
    if (since !== this.#state?.since) this.#after = undefined;
    if (isNew) await upsertAll(counters, [{ _id: keys.since, set: { n: since } }]);
    if (isFirst) await upsertAll(counters, [{ _id: keys.walked, set: { n: since } }]);
    await counters.updateOne({ _id: keys.said }, { $max: { n: now } }, { upsert: true });
    this.#saidAt = now;
    return (this.#state = { since, said: now, walked });
  }

  /** Walks batch by batch along their index. */
  async #walk(collections: Collections): Promise<boolean> {
    const found: OwnedBatch[] = [];
    while (found.length < stretch) {
      const next = await nextBatch(collections, found.at(-1) ?? this.#after);
      if (next === undefined) break;
      found.push(next);
    }
    for (const { project, batch } of await unknownAmong(collections, found)) {
      const events = await collections.events
        .find({ project, batch }, inOneAnswer)
        .project<Pick<EventDocument, "project" | "timestamp" | "receivedAt" | "body">>({
          project: 1,
          timestamp: 1,
          receivedAt: 1,
          body: 1,
        })
        .toArray();
      const at = Math.min(...events.map(({ receivedAt }) => receivedAt));
      await announce(collections, batch, events, at);
    }
    this.#after = found.at(-1);
    return found.length === stretch;
  }
}

/** The next batch of the same project, or the first one of the next project. */
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
 * The batches that are neither announced nor in a segment; they are looked for in the order of
 * sealing.
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
