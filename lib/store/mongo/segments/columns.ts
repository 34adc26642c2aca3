import { Batcher } from "../../../concurrency/batcher.ts";
import type { FetchedColumns, SegmentColumns } from "../../columns/segment.ts";
import type { Segment } from "../../manifest.ts";
import { inOneAnswer, type Collections } from "../documents.ts";
import {
  columnOfField,
  fieldOfColumn,
  partKey,
  partOfColumn,
  type PartDocument,
} from "./documents.ts";

/**
 * The most segments, and bytes of the documents with their columns, that one command reads. A
 * command for each segment would take longer than the reading of its columns.
 */
const limits = { maxItems: 64, maxBytes: 4 * 1_048_576, maxWaitingItems: Infinity } as const;

/** A segment, and the columns of it that are to be read. */
export interface Wanted {
  readonly segment: Segment;
  readonly names: readonly string[];
}

/**
 * Reads columns from the database, those of several segments with one command. Used only within a
 * call of the store.
 */
export class StoredColumns implements SegmentColumns {
  readonly #gathered: Batcher<Wanted, FetchedColumns | undefined>;

  constructor(collections: Collections) {
    this.#gathered = new Batcher(
      (group) => fetchColumns(collections, group),
      limits,
      () => new Error("there is no bound"),
    );
  }

  fetch(segment: Segment, names: readonly string[]): Promise<FetchedColumns | undefined> {
    const value = { segment, names };
    return this.#gathered.add({ value, items: 1, sizeBytes: bytesRead(value) });
  }
}

/** About the bytes of the documents that are read for some columns of a segment. */
export function bytesRead(wanted: Wanted): number {
  const { bytes, parts } = wanted.segment;
  return (bytes * partsIn(wanted).length) / Math.max(1, parts);
}

/** Fetches the columns of each segment, those of segments with the same names together. */
async function fetchColumns(
  collections: Collections,
  group: readonly Wanted[],
): Promise<readonly Promise<FetchedColumns | undefined>[]> {
  const reads = new Map<string, Promise<ReadonlyMap<string, PartDocument>>>();
  for (const [key, some] of Map.groupBy(group, keyOf)) reads.set(key, partsOf(collections, some));
  // What is asked for meanwhile is gathered.
  await Promise.allSettled(reads.values());
  return group.map(async (one) => columnsIn(one, await reads.get(keyOf(one))!));
}

function keyOf({ names }: Wanted): string {
  return JSON.stringify(names);
}

/** The parts that may have one of the columns, all of the same names, by their ids. */
async function partsOf(
  { segmentParts }: Collections,
  some: readonly Wanted[],
): Promise<ReadonlyMap<string, PartDocument>> {
  const ids = some.flatMap(idsOf);
  const { names } = some[0]!;
  const fields = names.map((name) => [`columns.${fieldOfColumn(name)}`, 1] as const);
  const found = await segmentParts
    .find({ _id: ids.length === 1 ? ids[0]! : { $in: ids } }, inOneAnswer)
    .project<PartDocument>(Object.fromEntries([["_id", 1], ...fields]))
    .toArray();
  return new Map(found.map((part) => [part._id, part]));
}

function columnsIn(
  wanted: Wanted,
  found: ReadonlyMap<string, PartDocument>,
): FetchedColumns | undefined {
  const parts = idsOf(wanted).map((id) => found.get(id));
  if (!parts.every((part) => part !== undefined)) return undefined;
  return new Map(
    parts.flatMap(({ columns = {} }) =>
      Object.entries(columns).map(
        ([field, bytes]) => [columnOfField(field), bytes.value()] as const,
      ),
    ),
  );
}

/**
 * The ids of the parts that may have one of the columns; one at least, which shows that the version
 * exists.
 */
function idsOf(wanted: Wanted): readonly string[] {
  const { id, version } = wanted.segment;
  return partsIn(wanted).map((part) => partKey(id, version, part));
}

function partsIn({ segment, names }: Wanted): readonly number[] {
  const { parts, isPlaced = false } = segment;
  if (names.length === 0) return [0];
  return isPlaced
    ? [...new Set(names.map((name) => partOfColumn(fieldOfColumn(name), parts)))]
    : Array.from({ length: parts }, (_, part) => part);
}
