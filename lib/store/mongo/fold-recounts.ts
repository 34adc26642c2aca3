import { madeAt } from "../../event/batch-message.ts";
import type { Bucket } from "../../counting/bucket.ts";
import type { Cells, Sum } from "../../counting/cells.ts";
import { ServiceError } from "../../errors.ts";
import type { BatchId } from "../../event/event.ts";
import {
  bucketId,
  inOneAnswer,
  type Collections,
  type DeltaDocument,
  type FoldDocument,
  type Spill,
} from "./documents.ts";
import { batchOf, close, isGoing, kept, maxFoldBytes, maxRounds, type Going } from "./folds.ts";
import { dropParts, spill } from "./rollup-parts.ts";
import { toTexts } from "./sections.ts";
import { insertAbsent } from "./writes.ts";

/*
 * Counts minutes anew from their events. The count replaces the minute's fold, and closes all of its
 * deltas (folds.ts).
 */

/** Whether a batch's events count in a minute: its delta is stored, or was compacted. */
export type Counts = (minute: Bucket, batch: BatchId) => boolean;

/**
 * Replaces the folds and deltas of minutes by a new count of their events. A new fold has a greater
 * `v` than the ones it replaces, even if it counts fewer events. Minutes that another process
 * condensed meanwhile are counted again.
 * @param count counts the events of minutes, in their order, of the batches that count
 * @param mayLack those of the minutes whose events may have been dropped; their folds then stay as
 *   they are
 * @throws ServiceError STORE_UNAVAILABLE where other processes condensed a minute in every attempt
 */
export async function foldAnew(
  collections: FoldCollections,
  minutes: readonly Bucket[],
  count: (minutes: readonly Bucket[], counts: Counts) => Promise<readonly Cells[]>,
  mayLack: (minutes: readonly Bucket[]) => Promise<ReadonlySet<Bucket>>,
): Promise<void> {
  let open = minutes;
  for (let round = 0; open.length > 0; round += 1) {
    if (round === maxRounds) throw new ServiceError("STORE_UNAVAILABLE");
    const found = await standing(collections, open);
    const cells = await count(open, (minute, batch) => found.get(minute)!.counts(batch));
    // This check comes after counting, so a minute that is not named lost no event while its events
    // were counted.
    const lacking = await mayLack(open);
    const counted = open.map((minute, at) => ({
      minute,
      standing: found.get(minute)!,
      cells: cells[at]!,
    }));
    open = await replaceFolds(
      collections,
      counted.filter(({ minute }) => !lacking.has(minute)),
    );
  }
}

type FoldCollections = Pick<Collections, "folds" | "deltas" | "rollupParts">;

interface Counted {
  readonly minute: Bucket;
  readonly standing: Standing;
  readonly cells: Cells;
}

/**
 * Takes the steps of each minute in their order, each step of all of them with one command where the
 * server can tell what became of each.
 * @returns the minutes of which another fold came between
 */
async function replaceFolds(
  collections: FoldCollections,
  counted: readonly Counted[],
): Promise<readonly Bucket[]> {
  const { folds, deltas } = collections;
  await close(
    deltas,
    counted.flatMap(({ standing }) => standing.held),
  );
  const made = await Promise.all(
    counted.map(async (one) => ({ ...one, fold: await foldOf(collections, one) })),
  );
  const first = made.filter(({ standing }) => standing.n === 0);
  const later = made.filter(({ standing }) => standing.n > 0);
  const there = new Set(
    await insertAbsent(
      folds,
      first.map(({ fold }) => fold),
    ),
  );
  const replaced = await Promise.all(
    later.map(async ({ fold: { _id, ...document }, standing: { n } }) => {
      const { matchedCount } = await folds.replaceOne({ _id, n }, document);
      return matchedCount === 1;
    }),
  );
  const isWritten = [
    ...first.map((one, at) => ({ one, done: !there.has(at) })),
    ...later.map((one, at) => ({ one, done: replaced[at]! })),
  ];
  await close(
    deltas,
    isWritten.flatMap(({ one, done }) => (done ? one.standing.fresh : [])),
  );
  for (const { one, done } of isWritten) {
    await dropParts(collections, one.fold._id, done ? one.standing.spill : one.fold.spill);
  }
  return isWritten.flatMap(({ one, done }) => (done ? [] : [one.minute]));
}

/** The fold of a count. Its parts, where it has any, are written. */
async function foldOf(
  collections: FoldCollections,
  { minute, standing: { n, v, fresh, going }, cells }: Counted,
): Promise<FoldDocument> {
  const _id = bucketId(minute);
  return {
    _id,
    n: n + 1,
    v: v + fresh.length + 1,
    batches: fresh,
    ...(await spill(collections, _id, toTexts(cells), maxFoldBytes)),
    ...going,
  };
}

/** A minute's fold and deltas, without their cells. */
interface Standing {
  readonly n: number;
  readonly v: number;
  readonly batches: ReadonlySet<BatchId>;
  readonly counts: (batch: BatchId) => boolean;
  readonly fresh: readonly string[];
  readonly held: readonly string[];
  readonly going: Going;
  readonly spill: Spill | undefined;
}

type FoldHead = Pick<FoldDocument, "_id" | "n" | "v" | "batches" | "spill"> & Going;
type DeltaHead = Pick<DeltaDocument, "_id" | "project" | "minute" | "folded">;

/** The state of minutes: each fold is read before the deltas. */
async function standing(
  { folds, deltas }: Pick<Collections, "folds" | "deltas">,
  minutes: readonly Bucket[],
): Promise<ReadonlyMap<Bucket, Standing>> {
  const heads = await folds
    .find({ _id: { $in: minutes.map(bucketId) } }, inOneAnswer)
    .project<FoldHead>({ n: 1, v: 1, batches: 1, compacting: 1, through: 1, spill: 1 })
    .toArray();
  const byId = new Map(heads.map((head) => [head._id, head]));
  const found = new Map<string, DeltaHead[]>(minutes.map((minute) => [bucketId(minute), []]));
  for (const [project, own] of Map.groupBy(minutes, (minute) => minute.project)) {
    const starts = own.map(({ start }) => start);
    const all = deltas
      .find({ project, minute: starts.length === 1 ? starts[0]! : { $in: starts } }, inOneAnswer)
      .project<DeltaHead>({ project: 1, minute: 1, folded: 1 });
    for await (const one of all) {
      found.get(bucketId({ project, grain: "minute", start: one.minute }))?.push(one);
    }
  }
  return new Map(
    minutes.map((minute) => {
      const id = bucketId(minute);
      return [minute, standingOf(byId.get(id), found.get(id)!)] as const;
    }),
  );
}

function standingOf(head: FoldHead | undefined, found: readonly DeltaHead[]): Standing {
  const { n = 0, v = 0, batches: named = [], compacting = 0, through = 0 } = head ?? {};
  const open = found.filter(({ folded }) => folded === undefined).map((one) => one._id);
  const inFold = new Set(named);
  const isHeld = (one: string) => inFold.has(one) || isGoing(one, through);
  const batches = new Set(found.map((one) => batchOf(one._id)));
  return {
    n,
    v,
    batches,
    counts: (batch) => batches.has(batch) || madeAt(batch) <= through,
    fresh: open.filter((one) => !isHeld(one)),
    held: open.filter(isHeld),
    going: kept({ compacting, through }),
    spill: head?.spill,
  };
}

/**
 * Counts a minute as `foldAnew` would, without writing. All events are read from one state of the
 * minute, and `v` is that of the state.
 */
export async function countAnew(
  collections: Collections,
  minute: Bucket,
  count: (counts: (batch: BatchId) => boolean) => Promise<Cells>,
): Promise<Sum> {
  const look = async () => (await standing(collections, [minute])).get(minute)!;
  for (let round = 0; round < maxRounds; round += 1) {
    const before = await look();
    const cells = await count(before.counts);
    const after = await look();
    const isSteady = after.n === before.n && after.batches.size === before.batches.size;
    if (isSteady) return { v: before.v + before.fresh.length, cells };
  }
  throw new ServiceError("STORE_UNAVAILABLE");
}
