import { randomUUID } from "node:crypto";
import { setImmediate as turn } from "node:timers/promises";
import { Binary } from "mongodb";
import { ColumnWriter, type WrittenColumns } from "../../columns/writer.ts";
import type { BatchId, ProjectId } from "../../../event/event.ts";
import { inOneAnswer, type Collections } from "../documents.ts";
import { insertAbsent } from "../writes.ts";
import { bundleOf } from "./bundles.ts";
import {
  fieldOfColumn,
  numberOf,
  partKey,
  mostPutOffMs,
  partOfColumn,
  type BuiltColumns,
  type PartDocument,
  type SegmentDocument,
} from "./documents.ts";
import { rowFrom, toldFields } from "./raw-rows.ts";

/** For how long other processes leave a segment alone that a process has begun to build. */
const buildingMs = 60_000;

/** The rows that are turned into columns at a time, so that other work has its turn in between. */
const turnSize = 256;

/**
 * The bytes in one document of columns. A server reads a whole document to hand out one column of
 * it, so that documents are small; each of them is a command's work, so that they are not tiny. At
 * most what a document of MongoDB holds, 16 MiB, with room to spare.
 */
const partBytes = { usual: 65_536, most: 8 * 1_048_576 } as const;

/** The most documents that the columns are divided among for being small. */
const usualParts = 16;
const mostParts = 4_096;

/**
 * Builds the columns of the segment that has waited longest.
 * @returns the number of the segment's events; `undefined` where no segment waits
 */
export async function buildNext(
  collections: Collections,
  now: number,
): Promise<number | undefined> {
  const { segments } = collections;
  const [next] = await segments
    .find({
      isMarked: true,
      $or: [{ dueAt: { $lte: now } }, { dueAt: { $gt: now + mostPutOffMs } }],
      restsUntil: { $not: { $gt: now, $lte: now + mostPutOffMs } },
    })
    .sort({ dueAt: 1 })
    .limit(1)
    .toArray();
  if (next === undefined) return undefined;
  const { _id, dueAt, mark } = next;
  const { matchedCount } = await segments.updateOne(
    { _id, dueAt, mark },
    { $set: { dueAt: now + buildingMs } },
  );
  return matchedCount === 0 ? 0 : build(collections, next, now);
}

/**
 * Reads a segment's events, and publishes their columns under a new version, unless the segment was
 * marked meanwhile.
 */
async function build(
  collections: Collections,
  segment: SegmentDocument,
  now: number,
): Promise<number> {
  const { segments, segmentParts } = collections;
  const { _id, project, batches, mark } = segment;
  // They may hold what was erased. Looked for while the segment is marked: nobody reads them.
  const bundled = await bundledParts(collections, segment);
  const documents = await eventsOf(collections, project, batches);
  const written = await columnsOf(documents);
  const asRead = { _id, isMarked: true, mark };
  const isPublished = await publishColumns(collections, _id, written, {
    publish: async (built) => {
      const $set = { ...built, isMarked: false, dueAt: now };
      return (await segments.updateOne(asRead, { $set })).matchedCount > 0;
    },
    prevent: async () => {
      const $set = { mark: randomUUID() };
      return (await segments.updateOne(asRead, { $set })).matchedCount > 0;
    },
  });
  if (!isPublished) return 0;
  if (bundled.length > 0) await segmentParts.deleteMany({ _id: { $in: [...bundled] } });
  return written.rows;
}

/** The events of some batches, their `toldFields` as BSON. */
export function eventsOf(
  { events }: Collections,
  project: ProjectId,
  batches: readonly BatchId[],
): Promise<readonly Uint8Array[]> {
  return events
    .find({ project, batch: { $in: [...batches] } }, { ...inOneAnswer, raw: true })
    .project<Uint8Array>(toldFields)
    .toArray();
}

/** The document that tells of columns. */
interface Publication {
  /** Tells of the columns, if all is as it was when they were begun. @returns whether it was */
  readonly publish: (built: BuiltColumns) => Promise<boolean>;
  /**
   * Keeps `publish` from ever taking place, where it may still be on its way.
   * @returns false where it has taken place
   */
  readonly prevent: () => Promise<boolean>;
}

/**
 * Writes columns of a segment or a bundle under a new version, publishes them, and removes those of
 * other versions.
 * @returns whether they were published; if not, they are removed
 */
export async function publishColumns(
  collections: Collections,
  id: string,
  written: WrittenSegment,
  { publish, prevent }: Publication,
): Promise<boolean> {
  const { segmentParts } = collections;
  const version = randomUUID();
  const parts = partsOf(id, version, written.columns);
  const removeParts = () =>
    segmentParts.deleteMany({ _id: { $in: parts.map((part) => part._id) } });
  try {
    for (const some of commandsOf(parts)) await insertAbsent(segmentParts, some);
    if (!(await publish(builtOf(written, version, parts.length)))) {
      await removeParts();
      return false;
    }
  } catch (error) {
    const giveUp = async () => void ((await prevent()) && (await removeParts()));
    await giveUp().catch(() => undefined);
    throw error;
  }
  await removeOthers(collections, id, version);
  return true;
}

function builtOf(
  { rows, complete, oldest, newest, columns, eventBytes }: WrittenSegment,
  version: string,
  parts: number,
): BuiltColumns {
  const sizes = columns.map(([name, bytes]) => [fieldOfColumn(name), bytes.length] as const);
  return {
    ...{ version, rows, complete, oldest, newest, parts, eventBytes },
    bytes: sizes.reduce((sum, [, size]) => sum + size, 0),
    isPlaced: true,
    sizes: Object.fromEntries(sizes),
  };
}

/** Columns, and about the events that are in them. */
interface WrittenSegment extends WrittenColumns, Pick<BuiltColumns, "oldest" | "newest"> {
  readonly eventBytes: number;
}

/**
 * Turns events into columns, in the order of time, so that instants take little space.
 * @param documents the events' `toldFields` as BSON, or more of their fields
 */
export async function columnsOf(documents: readonly Uint8Array[]): Promise<WrittenSegment> {
  const writer = new ColumnWriter(documents.length);
  let [oldest, newest] = [Infinity, -Infinity];
  let eventBytes = 0;
  for (const [at, bytes] of documents.entries()) {
    const row = rowFrom(bytes);
    eventBytes += bytes.length;
    const [, , , timestamp] = row;
    oldest = Math.min(oldest, timestamp);
    newest = Math.max(newest, timestamp);
    writer.add(row);
    if (at % turnSize === turnSize - 1) await turn();
  }
  const isEmpty = documents.length === 0;
  const written = writer.finish(true);
  const range = isEmpty ? { oldest: 0, newest: 0 } : { oldest, newest };
  return { ...written, ...range, eventBytes };
}

/** Divides columns among documents by their names (`partOfColumn`); a document may have none. */
export function partsOf(
  segment: string,
  version: string,
  columns: WrittenColumns["columns"],
  { usual, most }: { readonly usual: number; readonly most: number } = partBytes,
): readonly PartDocument[] {
  const fields = columns.map(([name, bytes]) => [fieldOfColumn(name), bytes] as const);
  const total = fields.reduce((sum, [field, bytes]) => sum + field.length + bytes.length, 0);
  let parts = Math.min(Math.max(1, Math.ceil(total / usual)), usualParts);
  while (parts < mostParts && !fits(fields, parts, most)) parts++;
  const documents = Array.from({ length: parts }, (): Record<string, Binary> => ({}));
  for (const [field, bytes] of fields) {
    documents[partOfColumn(field, parts)]![field] = new Binary(bytes);
  }
  return documents.map((some, part) => ({ _id: partKey(segment, version, part), columns: some }));
}

type Fields = readonly (readonly [field: string, bytes: Uint8Array])[];

/** Whether no part of so many has more bytes than it may. */
function fits(fields: Fields, parts: number, most: number): boolean {
  const sizes = new Float64Array(parts);
  for (const [field, bytes] of fields) {
    sizes[partOfColumn(field, parts)]! += field.length + bytes.length;
  }
  return sizes.every((size) => size <= most);
}

/** Groups parts so that each group is one command's worth of bytes. */
function commandsOf(parts: readonly PartDocument[]): readonly (readonly PartDocument[])[] {
  const groups: PartDocument[][] = [];
  let size = Infinity;
  for (const part of parts) {
    const bytes = Object.entries(part.columns).reduce(
      (sum, [field, column]) => sum + field.length + column.length(),
      0,
    );
    if (size + bytes > partBytes.most) {
      groups.push([]);
      size = 0;
    }
    groups.at(-1)!.push(part);
    size += bytes;
  }
  return groups;
}

/**
 * Removes the columns of other versions of a segment. They include columns of a build that was
 * given up, or whose process died.
 */
async function removeOthers(
  { segmentParts }: Collections,
  segment: string,
  version: string,
): Promise<void> {
  const own = `${segment}|${version}`;
  await segmentParts.deleteMany({ _id: { $gte: `${segment}|`, $lt: `${own}|` } });
  await segmentParts.deleteMany({ _id: { $gt: `${own}}`, $lt: `${segment}}` } });
}

/** The keys of the columns of a bundle that holds what a segment held before. */
async function bundledParts(
  collections: Collections,
  { _id, project, version }: SegmentDocument,
): Promise<readonly string[]> {
  if (version === undefined) return [];
  const bundle = await bundleOf(collections, project, numberOf(_id));
  const { version: former, parts = 0 } = bundle ?? {};
  if (former === undefined || !bundle!.segments.includes(_id)) return [];
  return Array.from({ length: parts }, (_, part) => partKey(bundle!._id, former, part));
}
