import { cutCells, type Section } from "../analytics/cells.ts";
import { childrenOf, parentOf, type Bucket, type Grain } from "../event/bucket.ts";
import type { ProjectId } from "../event/event.ts";
import { inOneAnswer, type Collections } from "./mongo-collections.ts";
import { readSections } from "./cells-json.ts";
import { sectionRow } from "./mongo-deltas.ts";
import { bucketId, type RollupDocument } from "./mongo-documents.ts";
import {
  BucketSums,
  fieldOf,
  fieldsOf,
  fromTexts,
  sectionFrom,
  toTexts,
} from "./mongo-sections.ts";
import { complete, dropParts, projectionOf, spill, type RollupView } from "./mongo-spill.ts";
import { insertAbsent, writeAll } from "./mongo-write.ts";
import type { Range, SectionRow, Sum } from "./store.ts";

type Version = Pick<RollupDocument, "_id" | "v" | "spill">;

/** A rollup, and the version that it is to replace; `undefined` where there is none. */
interface Replacement {
  readonly version: Version | undefined;
  readonly rollup: RollupDocument;
}

/** A rollup to be written. */
export interface RollupWrite {
  readonly bucket: Bucket;
  readonly sum: Sum;
}

/** About how much is written with one command. */
const maxGroupBytes = 8 * 1_024 * 1_024;

/**
 * Write rollups, cut, each where it sums more deltas than the stored one. Only a version that was looked
 * at is replaced; they are looked at again afterwards: where another write came between, the new one counts.
 * @param maxBytes of texts in one document
 */
export async function writeRollups(
  collections: Collections,
  writes: readonly RollupWrite[],
  maxBytes: number,
): Promise<void> {
  for (let open = writes; ;) {
    const stored = await versionsOf(collections, open);
    open = open.filter(({ bucket, sum }) => sum.v > (stored.get(bucketId(bucket))?.v ?? 0));
    if (open.length === 0) return;
    let group: Replacement[] = [];
    let groupBytes = 0;
    for (const { bucket, sum } of open) {
      const _id = bucketId(bucket);
      const version = stored.get(_id);
      const sections = toTexts(cutCells(sum.cells).cells);
      const sizeBytes = Object.values(sections).reduce((n, text) => n + Buffer.byteLength(text), 0);
      const rollup = { _id, ...bucket, v: sum.v, sections };
      if (sizeBytes > maxBytes || version?.spill !== undefined) {
        await replaceSpilled(collections, version, rollup, maxBytes);
        continue;
      }
      if (groupBytes + sizeBytes > maxGroupBytes) {
        await replaceAll(collections, group);
        [group, groupBytes] = [[], 0];
      }
      group.push({ version, rollup });
      groupBytes += sizeBytes;
    }
    await replaceAll(collections, group);
  }
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
    .batchSize(inOneAnswer.batchSize)
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

/**
 * The sums of the rollups within each bucket and of their versions, in the order of the buckets. Children are
 * found by their ids, which every server has an index of.
 */
export async function sumChildren(
  collections: Collections,
  parents: readonly Bucket[],
): Promise<readonly Sum[]> {
  const sums = new BucketSums();
  const ids = parents.flatMap((parent) => childrenOf(parent).map(bucketId));
  if (ids.length > 0) {
    const found = collections.rollups.find({ _id: { $in: ids } }, inOneAnswer);
    for await (const child of found) {
      const { sections, v } = await complete(collections, child);
      sums.add(parentOf(child)!, fromTexts(sections), v);
    }
  }
  return parents.map((parent) => sums.of(parent));
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
    .find({ _id: { $in: ids } }, inOneAnswer)
    .project<RollupView>(projectionOf(fields));
  const rows: SectionRow<S>[] = [];
  for await (const view of found) {
    const { start, sections } = await complete(collections, view, fields);
    rows.push(sectionRow(section, start, sectionFrom(section, sections)));
  }
  return rows;
}

async function versionsOf(
  { rollups: stored }: Collections,
  writes: readonly RollupWrite[],
): Promise<ReadonlyMap<string, Version>> {
  const ids = writes.map(({ bucket }) => bucketId(bucket));
  const found = await stored
    .find({ _id: { $in: ids } })
    .project<Version>({ v: 1, spill: 1 })
    .toArray();
  return new Map(found.map((version) => [version._id, version]));
}

/** Each where the stored version is still this one. A version's number is given once: it only grows. */
async function replaceAll(
  { rollups: stored }: Collections,
  replacements: readonly Replacement[],
): Promise<void> {
  await writeAll(
    stored,
    replacements.map(({ version, rollup: { _id, ...rest } }) => ({
      _id,
      operation:
        version === undefined
          ? { insertOne: { document: { _id, ...rest } } }
          : { replaceOne: { filter: { _id, v: version.v }, replacement: rest } },
    })),
  );
}

/** The same for one that is, or was, too large for one document; the parts of the one that lost are removed. */
async function replaceSpilled(
  collections: Collections,
  version: Version | undefined,
  rollup: RollupDocument,
  maxBytes: number,
): Promise<void> {
  const { _id, sections, ...rest } = rollup;
  const kept = await spill(collections, _id, sections, maxBytes);
  const isStored = await replace(collections, version, { _id, ...rest, ...kept });
  await dropParts(collections, _id, isStored ? version?.spill : kept.spill);
}

/** @returns whether the stored version was still this one */
async function replace(
  { rollups: stored }: Collections,
  version: Version | undefined,
  rollup: RollupDocument,
): Promise<boolean> {
  if (version === undefined) return (await insertAbsent(stored, [rollup])).length === 0;
  const { _id, ...rest } = rollup;
  const { matchedCount } = await stored.replaceOne({ _id, v: version.v }, rest);
  return matchedCount === 1;
}
