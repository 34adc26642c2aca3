import { randomUUID } from "node:crypto";
import { setImmediate as turn } from "node:timers/promises";
import { Binary } from "mongodb";
import { ColumnWriter, type WrittenColumns } from "../../columns/writer.ts";
import type { Segment } from "../../manifest.ts";
import { inOneAnswer, type Collections } from "../documents.ts";
import { insertAbsent } from "../writes.ts";
import { fieldOfColumn, partKey, type PartDocument, type SegmentDocument } from "./documents.ts";
import { rowFrom, toldFields } from "./raw-rows.ts";

/** For how long other processes leave a segment alone that a process has begun to build. */
const buildingMs = 60_000;

/** The rows that are turned into columns at a time, so that other work has its turn in between. */
const turnSize = 256;

/** The most bytes in one document of columns; MongoDB's limit of a document is 16 MiB. */
const partBytes = 8 * 1_048_576;

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
    .find({ isMarked: true, dueAt: { $lte: now } })
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
  for (const part of parts) await insertAbsent(segmentParts, [part]);
  const published = {
    isMarked: false,
    version,
    rows: written.rows,
    complete: written.complete,
    oldest: written.oldest,
    newest: written.newest,
    bytes: written.columns.reduce((sum, [, bytes]) => sum + bytes.length, 0),
    parts: parts.length,
    sizes: Object.fromEntries(
      written.columns.map(([name, bytes]) => [fieldOfColumn(name), bytes.length]),
    ),
  };
  const { matchedCount } = await segments.updateOne(
    { _id, isMarked: true, mark },
    { $set: published },
  );
  if (matchedCount === 0) {
    await segmentParts.deleteMany({ _id: { $in: parts.map((part) => part._id) } });
    return 0;
  }
  await removeOthers(collections, _id, version);
  return written.rows;
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

/** Divides columns among documents, each with as many columns as fit. */
export function partsOf(
  segment: string,
  version: string,
  columns: WrittenColumns["columns"],
  maxBytes = partBytes,
): readonly PartDocument[] {
  const parts: (readonly [field: string, bytes: Binary])[][] = [[]];
  let size = 0;
  for (const [name, bytes] of columns) {
    const field = fieldOfColumn(name);
    const more = bytes.length + field.length;
    if (size > 0 && size + more > maxBytes) {
      parts.push([]);
      size = 0;
    }
    parts.at(-1)!.push([field, new Binary(bytes)]);
    size += more;
  }
  return parts.map((some, part) => ({
    _id: partKey(segment, version, part),
    columns: Object.fromEntries(some),
  }));
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
