import { cutCells, type Section, type SectionRow, type Sum } from "../../counting/cells.ts";
import { childrenOf, grainMs, parentOf, type Bucket, type Grain } from "../../counting/bucket.ts";
import type { ProjectId } from "../../event/event.ts";
import { inOneAnswer, type Collections, bucketId, type RollupDocument } from "./documents.ts";
import { readSections } from "../cells-text.ts";
import type { RollupTarget } from "../store.ts";
import { deltaSums, sectionRow, sumDeltas } from "./deltas.ts";
import { BucketSums, fieldOf, fieldsOf, fromTexts, sectionFrom, toTexts } from "./sections.ts";
import { complete, dropParts, projectionOf, spill, type RollupView } from "./rollup-parts.ts";
import { insertAbsent, writeAll } from "./writes.ts";
import type { Range } from "../../event/filter.ts";

type Version = Pick<RollupDocument, "_id" | "v" | "spill">;

/** A rollup to be written. */
export interface RollupWrite {
  readonly bucket: Bucket;
  readonly sum: Sum;
  readonly where: RollupTarget;
}

/** A rollup in its stored form, unless it is too large. */
interface Sized {
  readonly rollup: RollupDocument;
  /** The size of the rollup's texts. */
  readonly sizeBytes: number;
}

/** About how many bytes are written with one command. */
const maxGroupBytes = 8 * 1_024 * 1_024;

/**
 * Writes rollups, cut, each where it sums more deltas than the stored one. Most are written without
 * reading what is stored: the server replaces an older one, and refuses to insert beside any other.
 * The refused ones are looked up.
 * @param maxBytes the most bytes of texts in one document
 */
export async function writeRollups(
  collections: Collections,
  writes: readonly RollupWrite[],
  maxBytes: number,
): Promise<void> {
  const ifStored = writes.filter(({ where }) => where === "stored");
  const existing = await versionsOf(collections, ifStored.map(idOf));
  const all = writes
    .filter((write) => write.sum.v > 0 && (write.where === "any" || existing.has(idOf(write))))
    .map(sized);
  const isLarge = ({ sizeBytes }: Sized) => sizeBytes > maxBytes;
  const refused = await replaceOlder(
    collections,
    all.filter((one) => !isLarge(one)),
  );
  for (let open = [...all.filter(isLarge), ...refused]; open.length > 0;) {
    const stored = await versionsOf(
      collections,
      open.map(({ rollup }) => rollup._id),
    );
    const versionOf = ({ rollup }: Sized) => stored.get(rollup._id);
    open = open.filter((one) => one.rollup.v > (versionOf(one)?.v ?? 0));
    const inParts = (one: Sized) => isLarge(one) || versionOf(one)?.spill !== undefined;
    const lost: Sized[] = [];
    for (const one of open.filter(inParts)) {
      const isStored = await replaceSpilled(collections, versionOf(one), one.rollup, maxBytes);
      if (!isStored) lost.push(one);
    }
    const whole = open.filter((one) => !inParts(one));
    open = [...lost, ...(await replaceOlder(collections, whole))];
  }
}

function idOf({ bucket }: RollupWrite): string {
  return bucketId(bucket);
}

function sized({ bucket, sum }: RollupWrite): Sized {
  const sections = toTexts(cutCells(sum.cells));
  const sizeBytes = Object.values(sections).reduce((n, text) => n + Buffer.byteLength(text), 0);
  return { rollup: { _id: bucketId(bucket), ...bucket, v: sum.v, sections }, sizeBytes };
}

export async function rollup(collections: Collections, bucket: Bucket): Promise<Sum | undefined> {
  const found = await collections.rollups.findOne({ _id: bucketId(bucket) });
  if (found === null) {
    if (bucket.grain !== "minute") return undefined;
    const [bare] = await sumDeltas(collections, [bucket]);
    return bare!.sum.v === 0 ? undefined : bare!.sum;
  }
  const { sections, v } = await complete(collections, found);
  return { v, cells: fromTexts(sections) };
}

/**
 * One section of the rollups whose start lies in a range; the other sections stay on the server. A
 * minute without a rollup is the sum of its deltas, which are read after the rollups were looked
 * for.
 */
export async function rollups<S extends Section>(
  collections: Collections,
  project: ProjectId,
  grain: Grain,
  ranges: readonly Range[],
  section: S,
): Promise<readonly SectionRow<S>[]> {
  const rows = await writtenRollups(collections, project, grain, ranges, section);
  if (grain !== "minute") return rows;
  const known = new Set(rows.map(({ start }) => start));
  const minutes = await minutesIn(collections, project, ranges);
  const bare = minutes.filter((start) => !known.has(start));
  const sums: SectionRow<S>[] = [];
  for (let at = 0; at < bare.length; at += maxBare) {
    const some = bare.slice(at, at + maxBare);
    sums.push(...(await deltaSums(collections, project, some, section)));
  }
  return sums.length === 0 ? rows : [...rows, ...sums].sort((a, b) => a.start - b.start);
}

/** The most minutes without a rollup that are summed with one command. */
const maxBare = 512;

/**
 * For longer ranges the minutes with deltas are looked up; for shorter ones every minute is tried.
 */
const maxListedMs = 3 * grainMs.hour;

async function minutesIn(
  { deltas }: Collections,
  project: ProjectId,
  ranges: readonly Range[],
): Promise<readonly number[]> {
  const minutes: number[] = [];
  for (const { from, to } of ranges) {
    if (to - from > maxListedMs) {
      const filter = { project, minute: { $gte: from, $lt: to } };
      minutes.push(...(await deltas.distinct("minute", filter)));
    } else {
      for (let start = from; start < to; start += grainMs.minute) minutes.push(start);
    }
  }
  return minutes;
}

async function writtenRollups<S extends Section>(
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
 * The sums of the rollups within each bucket and of their versions, in the order of the buckets;
 * for minutes without a rollup the sums of their deltas. Children are found by their ids, which
 * every server indexes.
 */
export async function sumChildren(
  collections: Collections,
  parents: readonly Bucket[],
): Promise<readonly Sum[]> {
  const sums = new BucketSums();
  const children = new Map(parents.flatMap(childrenOf).map((child) => [bucketId(child), child]));
  if (children.size > 0) {
    const found = collections.rollups.find({ _id: { $in: [...children.keys()] } }, inOneAnswer);
    for await (const child of found) {
      const { sections, v } = await complete(collections, child);
      sums.add(parentOf(child)!, fromTexts(sections), v);
      children.delete(child._id);
    }
  }
  // Read after the rollups were looked for: a minute that got one meanwhile has more deltas.
  const bare = [...children.values()].filter(({ grain }) => grain === "minute");
  const bareSums = bare.length === 0 ? [] : await sumDeltas(collections, bare);
  bareSums.forEach(({ sum: { v, cells } }, at) => {
    if (v > 0) sums.add(parentOf(bare[at]!)!, cells, v);
  });
  return parents.map((parent) => sums.of(parent));
}

/** The rows of rollups that lacked the section when they were read. */
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
  ids: readonly string[],
): Promise<ReadonlyMap<string, Version>> {
  if (ids.length === 0) return new Map();
  const found = await stored
    .find({ _id: { $in: [...ids] } }, inOneAnswer)
    .project<Version>({ v: 1, spill: 1 })
    .toArray();
  return new Map(found.map((version) => [version._id, version]));
}

/**
 * Writes each rollup that fits one document where none is stored, or an older one that fits.
 * @returns the others, and some that may be among them
 */
async function replaceOlder(
  { rollups: stored }: Collections,
  some: readonly Sized[],
): Promise<readonly Sized[]> {
  const refused: Sized[] = [];
  for (const group of groupsOf(some)) {
    const writes = group.map(({ rollup: { _id, ...replacement } }) => {
      // A rollup that this does not find has another form, and inserting it is then refused, or is
      // not stored.
      const filter = { _id, v: { $lt: replacement.v }, spill: { $exists: false } };
      return { _id, operation: { replaceOne: { filter, replacement, upsert: true } } };
    });
    if (!(await writeAll(stored, writes))) refused.push(...group);
  }
  return refused;
}

/** Groups of about as many bytes as one command writes. */
function groupsOf(some: readonly Sized[]): readonly (readonly Sized[])[] {
  const groups: Sized[][] = [];
  let groupBytes = Infinity;
  for (const one of some) {
    if (groupBytes + one.sizeBytes > maxGroupBytes) {
      groups.push([]);
      groupBytes = 0;
    }
    groups.at(-1)!.push(one);
    groupBytes += one.sizeBytes;
  }
  return groups;
}

/**
 * Writes a rollup that is, or was, too large for one document: it replaces this version. The parts
 * of the losing one are removed.
 * @returns whether it is stored
 */
async function replaceSpilled(
  collections: Collections,
  version: Version | undefined,
  rollup: RollupDocument,
  maxBytes: number,
): Promise<boolean> {
  const { _id, sections, ...rest } = rollup;
  const kept = await spill(collections, _id, sections, maxBytes);
  const isStored = await replace(collections, version, { _id, ...rest, ...kept });
  await dropParts(collections, _id, isStored ? version?.spill : kept.spill);
  return isStored;
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
