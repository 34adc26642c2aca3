import { randomUUID } from "node:crypto";
import { setImmediate as turn } from "node:timers/promises";
import { Binary } from "mongodb";
import { ColumnWriter, type WrittenColumns } from "../../columns/writer.ts";
import type { Segment } from "../../manifest.ts";
import { inOneAnswer, type Collections } from "../documents.ts";
import { insertAbsent } from "../writes.ts";
import {
  fieldOfColumn,
  partKey,
  mostPutOffMs,
  partOfColumn,
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
  return matchedCount === 0 ? 0 : build(collections, next);
}

/**
 * Reads a segment's events, and publishes their columns under a new version, unless the segment was
 * marked meanwhile.
 */
async function build(
  collections: Collections,
  { _id, project, batches, mark }: SegmentDocument,
): Promise<number> {
  const { events, segments, segmentParts } = collections;
  const documents = await events
    .find({ project, batch: { $in: [...batches] } }, { ...inOneAnswer, raw: true })
    .project<Uint8Array>(toldFields)
    .toArray();
  const written = await columnsOf(documents);
  const version = randomUUID();
  const parts = partsOf(_id, version, written.columns);
  const removeParts = () =>
    segmentParts.deleteMany({ _id: { $in: parts.map((part) => part._id) } });
  const published = {
    isMarked: false,
    version,
    rows: written.rows,
    complete: written.complete,
    oldest: written.oldest,
    newest: written.newest,
    bytes: written.columns.reduce((sum, [, bytes]) => sum + bytes.length, 0),
    parts: parts.length,
    isPlaced: true,
    sizes: Object.fromEntries(
      written.columns.map(([name, bytes]) => [fieldOfColumn(name), bytes.length]),
    ),
  };
  const asRead = { _id, isMarked: true, mark };
  try {
    for (const some of commandsOf(parts)) await insertAbsent(segmentParts, some);
    const { matchedCount } = await segments.updateOne(asRead, { $set: published });
    if (matchedCount === 0) {
      await removeParts();
      return 0;
    }
  } catch (error) {
    await giveUp(collections, asRead, removeParts).catch(() => undefined);
    throw error;
  }
  await removeOthers(collections, _id, version);
  return written.rows;
}

/**
 * Removes what a failed build has written. The publishing may have failed on the way back, or still
 * be on its way: a new mark keeps it from ever taking place, and is refused where it has.
 */
async function giveUp(
  { segments }: Collections,
  asRead: Pick<SegmentDocument, "_id" | "isMarked" | "mark">,
  removeParts: () => Promise<unknown>,
): Promise<void> {
  const { matchedCount } = await segments.updateOne(asRead, { $set: { mark: randomUUID() } });
  if (matchedCount > 0) await removeParts();
}

/**
 * Turns events into columns, in the order of time, so that instants take little space.
 * @param documents the events' `toldFields` as BSON, or more of their fields
 */
export async function columnsOf(
  documents: readonly Uint8Array[],
): Promise<WrittenColumns & Pick<Segment, "oldest" | "newest">> {
  const writer = new ColumnWriter(documents.length);
  let [oldest, newest] = [Infinity, -Infinity];
  for (const [at, bytes] of documents.entries()) {
    const row = rowFrom(bytes);
    const [, , , timestamp] = row;
    oldest = Math.min(oldest, timestamp);
    newest = Math.max(newest, timestamp);
    writer.add(row);
    if (at % turnSize === turnSize - 1) await turn();
  }
  const isEmpty = documents.length === 0;
  const written = writer.finish(true);
  return { ...written, oldest: isEmpty ? 0 : oldest, newest: isEmpty ? 0 : newest };
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
