import { madeAt } from "../../event/batch-message.ts";
import type { Filter } from "mongodb";
import { grainMs, type Bucket } from "../../counting/bucket.ts";
import { ServiceError } from "../../errors.ts";
import {
  inOneAnswer,
  type Collections,
  bucketId,
  type DeltaDocument,
  type FoldDocument,
  type SectionTexts,
  type Spill,
} from "./documents.ts";
import { dropParts, spill, textsIn } from "./rollup-parts.ts";
import { toTexts } from "./sections.ts";
import { insertAbsent } from "./writes.ts";
import type { Cells, Sum } from "../../counting/cells.ts";
import type { BatchId, ProjectId } from "../../event/event.ts";

/**
 * Condenses the deltas of a minute without transactions. A minute's *fold* is one document: the sum
 * of some of its deltas, the number of those deltas, and the ones that were added last (`batches`).
 * The fold is written first; then the added deltas are closed, which marks them and removes their
 * cells. So the fold may hold a delta that is still open, and `batches` names each such delta: all
 * of them are closed before the next fold replaces this one. A reader who sums a minute reads the
 * fold, the open deltas, and the fold's number again. If the number has not changed, the fold and
 * the deltas belong together.
 */

/** A sum under way. */
export interface Adding<T> {
  add(texts: SectionTexts): void;
  total(): T;
}

/** The sum of a minute's fold and its open deltas. */
export interface Steady<T> {
  readonly v: number;
  /** `undefined` where the minute has neither a fold nor open deltas. */
  readonly total: T | undefined;
  /** The fold's number; 0 where there is none. */
  readonly n: number;
  /** The open deltas that the fold does not hold, and the open deltas that it holds. */
  readonly fresh: readonly string[];
  readonly held: readonly string[];
  /** The fold's own instants; 0 where it has none. */
  readonly compacting: number;
  readonly through: number;
}

type FoldView = Pick<FoldDocument, "_id" | "n" | "v" | "batches" | "sections" | "spill"> & Going;

/** The instants that say which deltas are removed (compact.ts). */
type Going = Pick<FoldDocument, "compacting" | "through">;
type DeltaView = Pick<DeltaDocument, "_id" | "project" | "minute"> &
  Partial<Pick<DeltaDocument, "sections">>;

/** The fewest open deltas that are condensed: fewer are summed as fast as they are condensed. */
export const minFold = 32;

/**
 * The most bytes of text in a fold's document; MongoDB's limit of a document is 16 MiB. Of a minute
 * that is counted anew more is kept in parts, as a rollup's is. Deltas are not added to such a fold:
 * they stay open.
 */
const maxFoldBytes = 8 * 1_024 * 1_024;

export function fitsDocument(fold: object): boolean {
  return Buffer.byteLength(JSON.stringify(fold)) <= maxFoldBytes;
}

/**
 * The most attempts. An attempt fails only where another process condensed the same minute
 * meanwhile.
 */
const maxRounds = 50;

/**
 * Sums minutes, each from a fold and deltas that belong together, in the order of the minutes.
 * Takes few commands, however many deltas there are, and reads the cells of none that a fold holds.
 * @param fields of the sections that are needed; all sections where it is absent
 * @throws ServiceError STORE_UNAVAILABLE where other processes condensed the minutes in every
 * attempt
 */
export async function sumSteadily<T>(
  collections: Collections,
  minutes: readonly Bucket[],
  begin: () => Adding<T>,
  fields?: readonly string[],
): Promise<readonly Steady<T>[]> {
  const done = new Map<string, Steady<T>>();
  let open = minutes;
  for (let round = 0; open.length > 0; round += 1) {
    if (round === maxRounds) throw new ServiceError("STORE_UNAVAILABLE");
    const found = await sumOnce(collections, open, begin, fields);
    const numbers = await numbersOf(collections, open);
    for (const [id, steady] of found) {
      if (steady.n === (numbers.get(id) ?? 0)) done.set(id, steady);
    }
    open = open.filter((minute) => !done.has(bucketId(minute)));
  }
  return minutes.map((minute) => done.get(bucketId(minute))!);
}

/**
 * Replaces a fold, and the deltas that the sum holds, by a sum that was read steadily. Does nothing
 * where another process replaced the fold meanwhile.
 */
export async function fold(
  { folds, deltas }: Collections,
  minute: Bucket,
  { n, fresh, held, ...going }: Omit<Steady<unknown>, "v" | "total">,
  { v, cells }: Sum,
): Promise<void> {
  if (fresh.length < minFold) return;
  const _id = bucketId(minute);
  const sections = toTexts(cells);
  const document = { _id, n: n + 1, v, batches: fresh, sections, ...kept(going) };
  if (!fitsDocument(document)) return;
  // An earlier attempt may have stopped after it had written the fold.
  await close(deltas, held);
  const isFirst = n === 0;
  const isWritten = isFirst
    ? (await insertAbsent(folds, [document])).length === 0
    : (await folds.replaceOne({ _id, n }, withoutId(document))).matchedCount === 1;
  if (isWritten) await close(deltas, fresh);
}

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

/** The most deltas that are closed with one command: their ids must fit into a message. */
const closedAtOnce = 50_000;

async function close(deltas: Collections["deltas"], ids: readonly string[]): Promise<void> {
  const sorted = ids.toSorted();
  for (let at = 0; at < sorted.length; at += closedAtOnce) {
    await deltas.updateMany({ _id: { $in: sorted.slice(at, at + closedAtOnce) } }, closing);
  }
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

/** Whether a delta is one of the removed ones. */
function isGoing(deltaId: string, through: number): boolean {
  return through > 0 && madeAt(batchOf(deltaId)) <= through;
}

function kept({ compacting, through }: Required<Going>): Going {
  return { ...(compacting > 0 && { compacting }), ...(through > 0 && { through }) };
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

/** The batch of a delta. Batch ids have no `|`. */
export function batchOf(deltaId: string): BatchId {
  return deltaId.slice(0, deltaId.indexOf("|"));
}

export const closing = { $set: { folded: true }, $unset: { sections: "" } } as const;

function withoutId({ _id, ...rest }: FoldDocument): Omit<FoldDocument, "_id"> {
  return rest;
}

/** @returns the sums by the minutes; those of which a fold was replaced meanwhile may be absent */
async function sumOnce<T>(
  collections: Collections,
  minutes: readonly Bucket[],
  begin: () => Adding<T>,
  fields: readonly string[] | undefined,
): Promise<ReadonlyMap<string, Steady<T>>> {
  const { folds, deltas } = collections;
  const sections = fields?.map((field) => [`sections.${field}`, 1] as const);
  const shown = (own: object) => sections && { ...own, ...Object.fromEntries(sections) };
  const sums = new Map(minutes.map((minute) => [bucketId(minute), new MinuteSum(begin)]));
  const folded = folds
    .find({ _id: { $in: [...sums.keys()] } }, inOneAnswer)
    .project<FoldView>(
      shown({ n: 1, v: 1, batches: 1, compacting: 1, through: 1, spill: 1 }) ?? {},
    );
  for await (const one of folded) {
    const texts = await textsIn(collections, one, fields);
    if (texts === undefined) sums.delete(one._id);
    else sums.get(one._id)?.addFold({ ...one, sections: { ...one.sections, ...texts } });
  }
  const byProject = Map.groupBy(minutes, ({ project }) => project);
  await Promise.all(
    [...byProject].map(async ([project, ofProject]) => {
      const starts = ofProject.map(({ start }) => start);
      const found = deltas
        .find(openOf(project, starts), inOneAnswer)
        .project<DeltaView>(shown({ project: 1, minute: 1 }) ?? {});
      for await (const one of found) {
        sums.get(bucketId({ project, grain: "minute", start: one.minute }))?.addDelta(one);
      }
    }),
  );
  return new Map([...sums].map(([id, sum]) => [id, sum.steady()]));
}

/** The fewest adjacent minutes that are searched for as one range. */
const minRange = 4;

/**
 * The filter for the open deltas of some minutes. Adjacent minutes are one range, and all others
 * lie between bounds: a server without a fitting index compares each delta with each value of a
 * list, and one with an index seeks each of them.
 */
export function openOf(project: ProjectId, starts: readonly number[]): Filter<DeltaDocument> {
  const runs = adjacent(starts.toSorted((a, b) => a - b));
  const ranges = runs
    .filter((run) => run.length >= minRange)
    .map((run) => ({ $gte: run[0]!, $lte: run.at(-1)! }));
  const others = runs.filter((run) => run.length < minRange).flat();
  const listed = { $gte: others[0]!, $lte: others.at(-1)!, $in: others };
  const minutes = others.length === 0 ? ranges : [...ranges, listed];
  const [first, ...more] = minutes.map((minute) => ({
    minute,
    project,
    folded: { $exists: false },
  }));
  return more.length === 0 ? first! : { $or: [first!, ...more] };
}

/** Splits ascending minutes into runs without a gap. */
function adjacent(starts: readonly number[]): readonly (readonly number[])[] {
  const runs: number[][] = [];
  for (const start of starts) {
    const last = runs.at(-1);
    if (last !== undefined && start - last.at(-1)! <= grainMs.minute) last.push(start);
    else runs.push([start]);
  }
  return runs;
}

async function numbersOf(
  { folds }: Collections,
  minutes: readonly Bucket[],
): Promise<ReadonlyMap<string, number>> {
  const found = await folds
    .find({ _id: { $in: minutes.map(bucketId) } }, inOneAnswer)
    .project<Pick<FoldDocument, "_id" | "n">>({ n: 1 })
    .toArray();
  return new Map(found.map(({ _id, n }) => [_id, n]));
}

/** The sum of one minute; its fold is added before its deltas. */
class MinuteSum<T> {
  readonly #begin: () => Adding<T>;
  readonly #fresh: string[] = [];
  readonly #held: string[] = [];
  #adding: Adding<T> | undefined;
  #inFold: ReadonlySet<string> = new Set();
  #v = 0;
  #n = 0;
  #compacting = 0;
  #through = 0;

  constructor(begin: () => Adding<T>) {
    this.#begin = begin;
  }

  addFold({ n, v, batches, sections, compacting = 0, through = 0 }: FoldView): void {
    this.#n = n;
    this.#compacting = compacting;
    this.#through = through;
    this.#inFold = new Set(batches);
    this.#add(sections, v);
  }

  addDelta({ _id, sections }: DeltaView): void {
    if (this.#inFold.has(_id) || isGoing(_id, this.#through)) {
      this.#held.push(_id);
    } else if (sections !== undefined) {
      // A delta without cells was closed while it was read: a newer fold holds it, and the fold's
      // number shows that.
      this.#fresh.push(_id);
      this.#add(sections, 1);
    }
  }

  steady(): Steady<T> {
    return {
      v: this.#v,
      total: this.#adding?.total(),
      n: this.#n,
      fresh: this.#fresh,
      held: this.#held,
      compacting: this.#compacting,
      through: this.#through,
    };
  }

  #add(sections: SectionTexts, v: number): void {
    this.#adding ??= this.#begin();
    this.#adding.add(sections);
    this.#v += v;
  }
}
