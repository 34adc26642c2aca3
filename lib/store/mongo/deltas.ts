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
import { deltaKey, type Collections, type SectionTexts } from "./documents.ts";
import { sumSteadily, type Steady } from "./folds.ts";
import { cellsSum, fieldsOf, fromTexts, sectionFrom, sectionSum, toTexts } from "./sections.ts";
import { insertAbsent } from "./writes.ts";
import type { Delta } from "../../counting/delta.ts";

export async function putDeltas(collections: Collections, deltas: readonly Delta[]): Promise<void> {
  const documents = deltas.map(({ batch, bucket: { project, start }, cells }) => ({
    _id: deltaKey(batch, project, start),
    project,
    minute: start,
    sections: toTexts(cells),
  }));
  await insertAbsent(collections.deltas, documents);
}

/** A minute's sum, and what there is to condense in it. */
export interface MinuteSum {
  readonly sum: Sum;
  readonly steady: Pick<Steady<unknown>, "n" | "fresh" | "held">;
}

/** What the deltas of each minute add up to, in the order of the minutes. */
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

/** One section of the sums of some minutes; those without deltas are absent. */
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
