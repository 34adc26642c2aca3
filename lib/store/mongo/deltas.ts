import {
  emptyCells,
  isCutSection,
  type Section,
  type SectionCells,
  type SectionRow,
  type Sum,
} from "../../counting/cells.ts";
import type { Bucket } from "../../counting/bucket.ts";
import type { ProjectId } from "../../event/event.ts";
import type { CompactionBound } from "./compaction-bound.ts";
import { lateMinutes } from "./late-minutes.ts";
import {
  bucketId,
  deltaKey,
  inOneAnswer,
  type Collections,
  type DeltaDocument,
  type SectionTexts,
} from "./documents.ts";
import { sumSteadily, type Steady } from "./folds.ts";
import { cellsSum, fieldsOf, fromTexts, sectionFrom, sectionSum, toTexts } from "./sections.ts";
import { insertAbsent } from "./writes.ts";
import type { Delta } from "../../counting/delta.ts";

export function putDeltas(
  collections: Collections,
  deltas: readonly Delta[],
  bound: CompactionBound,
): Promise<readonly Bucket[]> {
  const documents = deltas.map(({ batch, bucket: { project, start }, cells, members }) => ({
    _id: deltaKey(batch, project, start),
    project,
    minute: start,
    sections: toTexts(cells),
    ...(members !== undefined && { members }),
  }));
  return insertDeltas(collections, documents, bound);
}

/**
 * Inserts the deltas that are absent.
 * @returns the minutes that must be counted anew: an event of the batch was erased there before its
 * delta came, or came after its delta, or the minute was compacted
 */
export async function insertDeltas(
  collections: Collections,
  deltas: readonly DeltaDocument[],
  bound: CompactionBound,
): Promise<readonly Bucket[]> {
  if (deltas.length === 0) return [];
  const existing = await insertAbsent(collections.deltas, deltas);
  const late = await lateMinutes(collections, deltas, Date.now(), bound);
  if (existing.length === 0) return late;
  const brought = new Map(existing.map((at) => [deltas[at]!._id, deltas[at]!.members]));
  const found = await collections.deltas
    .find({ _id: { $in: [...brought.keys()] } }, inOneAnswer)
    .project<Standing>({ project: 1, minute: 1, anew: 1, members: 1 })
    .toArray();
  const all = new Map(late.map((minute) => [bucketId(minute), minute]));
  for (const one of found) {
    if (one.anew !== true && !differs(one.members, brought.get(one._id))) continue;
    const bucket: Bucket = { project: one.project, grain: "minute", start: one.minute };
    all.set(bucketId(bucket), bucket);
  }
  return [...all.values()];
}

type Standing = Pick<DeltaDocument, "_id" | "project" | "minute" | "anew" | "members">;

/** Whether two deltas are known to be counted from different events. */
function differs(one: string | undefined, other: string | undefined): boolean {
  return one !== undefined && other !== undefined && one !== other;
}

/** A minute's sum, and the deltas of the minute that can be condensed. */
export interface MinuteSum {
  readonly sum: Sum;
  readonly steady: Omit<Steady<unknown>, "v" | "total">;
}

/** The sums of the deltas of each minute, in the order of the minutes. */
export async function sumDeltas(
  collections: Collections,
  minutes: readonly Bucket[],
): Promise<readonly MinuteSum[]> {
  const begin = () => {
    const sum = cellsSum();
    return { add: (texts: SectionTexts) => sum.add(fromTexts(texts)), total: () => sum.total() };
  };
  const sums = await sumSteadily(collections, minutes, begin);
  return sums.map(({ v, total, ...steady }) => ({
    sum: { v, cells: total ?? emptyCells() },
    steady,
  }));
}

/** One section of the sums of some minutes. Minutes without deltas are absent. */
export async function deltaSums<S extends Section>(
  collections: Collections,
  project: ProjectId,
  minutes: readonly number[],
  section: S,
): Promise<readonly SectionRow<S>[]> {
  const begin = () => {
    const sum = sectionSum(section);
    const add = (texts: SectionTexts) => sum.add(sectionFrom(section, texts));
    return { add, total: () => sum.total() };
  };
  const starts = minutes.toSorted((a, b) => a - b);
  const buckets = starts.map((start) => ({ project, grain: "minute" as const, start }));
  const sums = await sumSteadily(collections, buckets, begin, fieldsOf(section));
  return sums.flatMap(({ total }, i) =>
    total === undefined ? [] : [sectionRow(section, starts[i]!, total)],
  );
}

export function sectionRow<S extends Section>(
  section: S,
  start: number,
  cells: SectionCells<S>,
): SectionRow<S> {
  return { start, cells, exact: !isCutSection(section, cells) };
}
