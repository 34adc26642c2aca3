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
} from "./documents.ts";
import { textsIn } from "./rollup-parts.ts";
import { toTexts } from "./sections.ts";
import { insertAbsent } from "./writes.ts";
import type { Sum } from "../../counting/cells.ts";
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
export type Going = Pick<FoldDocument, "compacting" | "through">;
type DeltaView = Pick<DeltaDocument, "_id" | "project" | "minute"> &
  Partial<Pick<DeltaDocument, "sections">>;

/** The fewest open deltas that are condensed: fewer are summed as fast as they are condensed. */
export const minFold = 32;

/**
 * The most bytes of text in a fold's document; MongoDB's limit of a document is 16 MiB. Of a minute
 * that is counted anew more is kept in parts, as a rollup's is. Deltas are not added to such a fold:
 * they stay open.
 */
export const maxFoldBytes = 8 * 1_024 * 1_024;

export function fitsDocument(fold: object): boolean {
  return Buffer.byteLength(JSON.stringify(fold)) <= maxFoldBytes;
}

/**
 * The most attempts. An attempt fails only where another process condensed the same minute
 * meanwhile.
 */
export const maxRounds = 50;

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

/** The most deltas that are closed with one command: their ids must fit into a message. */
const closedAtOnce = 50_000;

export async function close(deltas: Collections["deltas"], ids: readonly string[]): Promise<void> {
  const sorted = ids.toSorted();
  for (let at = 0; at < sorted.length; at += closedAtOnce) {
    await deltas.updateMany({ _id: { $in: sorted.slice(at, at + closedAtOnce) } }, closing);
  }
}

/** Whether a delta is one of the removed ones. */
export function isGoing(deltaId: string, through: number): boolean {
  return through > 0 && madeAt(batchOf(deltaId)) <= through;
}

export function kept({ compacting, through }: Required<Going>): Going {
  return { ...(compacting > 0 && { compacting }), ...(through > 0 && { through }) };
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
