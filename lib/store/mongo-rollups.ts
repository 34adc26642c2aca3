import { cutCells, type Section } from "../analytics/cells.ts";
import { childGrain, grainMs, type Bucket, type Grain } from "../event/bucket.ts";
import type { ProjectId } from "../event/event.ts";
import type { Collections } from "./mongo-collections.ts";
import { readSections } from "./cells-json.ts";
import { sectionRow } from "./mongo-deltas.ts";
import { bucketId, type RollupDocument } from "./mongo-documents.ts";
import { cellsSum, fieldOf, fieldsOf, fromTexts, sectionFrom, toTexts } from "./mongo-sections.ts";
import { complete, dropParts, projectionOf, spill, type RollupView } from "./mongo-spill.ts";
import { insertAbsent } from "./mongo-write.ts";
import type { Range, SectionRow, Sum } from "./store.ts";

type Version = Pick<RollupDocument, "v" | "spill">;

/**
 * Write a rollup, cut, where it sums more deltas than the stored one. Only the version that was
 * looked at is replaced; where another write came between, the new one is looked at.
 * @param maxBytes of texts in one document
 */
export async function writeRollup(
  collections: Collections,
  bucket: Bucket,
  sum: Sum,
  maxBytes: number,
): Promise<void> {
  const _id = bucketId(bucket);
  let stored = await versionOf(collections, _id);
  if (sum.v <= (stored?.v ?? 0)) return;
  const { project, grain, start } = bucket;
  const texts = toTexts(cutCells(sum.cells).cells);
  const kept = await spill(collections, _id, texts, maxBytes);
  const rollup: RollupDocument = { _id, project, grain, start, v: sum.v, ...kept };
  while (sum.v > (stored?.v ?? 0)) {
    if (await replace(collections, stored, rollup)) {
      return dropParts(collections, _id, stored?.spill);
    }
    stored = await versionOf(collections, _id);
  }
  await dropParts(collections, _id, kept.spill);
}

/** One section of the rollups whose start lies in a range; the other sections stay on the server. */
export async function rollups<S extends Section>(
  collections: Collections,
  project: ProjectId,
  grain: Grain,
  ranges: readonly Range[],
  section: S,
): Promise<readonly SectionRow<S>[]> {
  if (ranges.length === 0) return [];
  const field = fieldOf(section);
  const found = collections.rollups
    .find({
      $or: ranges.map(({ from, to }) => ({ project, grain, start: { $gte: from, $lt: to } })),
    })
    .project<RollupView>(projectionOf([field]));
  const starts: number[] = [];
  const texts: string[] = [];
  const lacking: string[] = [];
  for await (const view of found) {
    const { _id, start, sections } = await complete(collections, view, [field]);
    const text = sections[field];
    if (text === undefined) {
      lacking.push(_id);
    } else {
      starts.push(start);
      texts.push(text);
    }
  }
  const rows = readSections(section, texts).map((cells, i) =>
    sectionRow(section, starts[i]!, cells),
  );
  const others = await lackingRows(collections, lacking, section);
  return [...rows, ...others].sort((a, b) => a.start - b.start);
}

/** The sum of the rollups within a bucket, and of their versions. */
export async function sumChildren(
  collections: Collections,
  { project, grain, start }: Bucket,
): Promise<Sum> {
  const child = childGrain(grain);
  const sum = cellsSum();
  let v = 0;
  if (child === undefined) return { v, cells: sum.total() };
  const within = { $gte: start, $lt: start + grainMs[grain] };
  for await (const found of collections.rollups.find({ project, grain: child, start: within })) {
    const whole = await complete(collections, found);
    sum.add(fromTexts(whole.sections));
    v += whole.v;
  }
  return { v, cells: sum.total() };
}

/** Rollups that had no such section, or have it since a moment ago. */
async function lackingRows<S extends Section>(
  collections: Collections,
  ids: readonly string[],
  section: S,
): Promise<readonly SectionRow<S>[]> {
  if (ids.length === 0) return [];
  const fields = fieldsOf(section);
  const found = collections.rollups
    .find({ _id: { $in: ids } })
    .project<RollupView>(projectionOf(fields));
  const rows: SectionRow<S>[] = [];
  for await (const view of found) {
    const { start, sections } = await complete(collections, view, fields);
    rows.push(sectionRow(section, start, sectionFrom(section, sections)));
  }
  return rows;
}

function versionOf({ rollups: stored }: Collections, _id: string): Promise<Version | null> {
  return stored.findOne({ _id }, { projection: { v: 1, spill: 1 } });
}

/** @returns whether the stored version was still this one. A version's number is given once: it only grows. */
async function replace(
  { rollups: stored }: Collections,
  version: Version | null,
  rollup: RollupDocument,
): Promise<boolean> {
  if (version === null) return (await insertAbsent(stored, [rollup])).length === 0;
  const { _id, ...rest } = rollup;
  const { matchedCount } = await stored.replaceOne({ _id, v: version.v }, rest);
  return matchedCount === 1;
}
