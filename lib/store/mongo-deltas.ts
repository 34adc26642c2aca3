import { isCut, type Section, type ValueCounts } from "../analytics/cells.ts";
import type { Bucket } from "../event/bucket.ts";
import type { ProjectId } from "../event/event.ts";
import { inOneAnswer, type Collections } from "./mongo-collections.ts";
import type { DeltaDocument } from "./mongo-documents.ts";
import {
  BucketSums,
  fieldsOf,
  fromTexts,
  sectionFrom,
  sectionSum,
  toTexts,
} from "./mongo-sections.ts";
import { insertAbsent } from "./mongo-write.ts";
import type { Delta, SectionCells, SectionRow, Sum } from "./store.ts";

export async function putDeltas(collections: Collections, deltas: readonly Delta[]): Promise<void> {
  const documents = deltas.map(({ batch, bucket: { project, start }, cells }) => ({
    _id: `${batch}|${project}|${start}`,
    project,
    minute: start,
    sections: toTexts(cells),
  }));
  await insertAbsent(collections.deltas, documents);
}

/**
 * What the deltas of each minute add up to, in the order of the minutes. Deltas never change, so it does not
 * matter that others are inserted while these are read.
 */
export async function sumDeltas(
  { deltas }: Collections,
  minutes: readonly Bucket[],
): Promise<readonly Sum[]> {
  const sums = new BucketSums();
  await Promise.all(
    [...Map.groupBy(minutes, ({ project }) => project)].map(async ([project, ofProject]) => {
      const starts = ofProject.map(({ start }) => start);
      const found = deltas.find({ project, minute: { $in: starts } }, inOneAnswer);
      for await (const { minute, sections } of found) {
        sums.add({ project, grain: "minute", start: minute }, fromTexts(sections), 1);
      }
    }),
  );
  return minutes.map((minute) => sums.of(minute));
}

/** One section of the sums of some minutes; those without deltas are absent. */
export async function deltaSums<S extends Section>(
  { deltas }: Collections,
  project: ProjectId,
  minutes: readonly number[],
  section: S,
): Promise<readonly SectionRow<S>[]> {
  const found = deltas
    .find({ project, minute: { $in: minutes } }, inOneAnswer)
    .project<Pick<DeltaDocument, "minute" | "sections">>({
      minute: 1,
      ...Object.fromEntries(fieldsOf(section).map((field) => [`sections.${field}`, 1])),
    });
  const sums = new Map<number, ReturnType<typeof sectionSum<S>>>();
  for await (const { minute, sections } of found) {
    const sum = sums.get(minute) ?? sectionSum(section);
    sum.add(sectionFrom(section, sections));
    sums.set(minute, sum);
  }
  return [...sums]
    .sort(([a], [b]) => a - b)
    .map(([start, sum]) => sectionRow(section, start, sum.total()));
}

export function sectionRow<S extends Section>(
  section: S,
  start: number,
  cells: SectionCells<S>,
): SectionRow<S> {
  const isWhole = section === "types" || section === "users" || !isCut(cells as ValueCounts);
  return { start, cells, exact: isWhole };
}
