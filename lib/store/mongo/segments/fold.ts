import { setImmediate as turn } from "node:timers/promises";
import type { EventFilter } from "../../../event/filter.ts";
import type { Fold } from "../../../questions/fold.ts";
import { columnsRead } from "../../columns/names.ts";
import { ColumnReader, liesWithin, MissingColumn } from "../../columns/reader.ts";
import type { FetchedColumns, SegmentColumns } from "../../columns/segment.ts";
import type { Collections } from "../documents.ts";
import { BatchReading, type FoldLimits } from "./batch-reading.ts";
import { bytesRead, type Wanted } from "./columns.ts";
import { isOf } from "./documents.ts";
import { partsOfEvents, wholeEvents } from "./event-reader.ts";
import { batchesOf } from "./manifest.ts";
import type { KeptGroup } from "./unsealed-columns.ts";
import type { Segments } from "./segments.ts";
import type { Manifest, Segment, UnsealedGroup } from "../../manifest.ts";

/**
 * How many segments' columns are fetched ahead, from the one that is being folded on: as many as
 * have so many bytes in the documents of these columns, between two bounds.
 */
const ahead = { bytes: 16 * 1_048_576, fewest: 8, most: 128 } as const;

/** The most bytes of events that one question reads to keep them; they are in memory meanwhile. */
const keptBytesAtOnce = 16_777_216;

/**
 * The most bytes of events that a question reads whole to keep them, though it needs less of each.
 * Of more bytes it does not wait for the rest, which is read once it has its answer.
 */
const keptAlongBytes = 524_288;

/**
 * Folds the events of a manifest: the columns of segments and of unsealed batches that are kept, and
 * the events themselves where columns are missing or do not suffice.
 * @returns the number of events that met the filter
 */
export async function foldSegments(
  collections: Collections,
  { columns: source, unsealed: kept }: Pick<Segments, "columns" | "unsealed">,
  { segments, unsealed, batches }: Manifest,
  filter: EventFilter,
  fold: Fold<unknown>,
  limits: FoldLimits,
): Promise<number> {
  const { project, from = -Infinity, to = Infinity } = filter;
  const wanted = segments
    .filter(({ id, rows, oldest, newest }) => {
      return isOf(id, project) && rows > 0 && newest >= from && oldest < to;
    })
    .map((segment): Wanted => {
      const known = { isOfProject: true, isWithin: liesWithin(segment, filter) };
      return { segment, names: columnsRead(filter, fold.columns, known) };
    });
  const unread: UnsealedGroup[] = [];
  const untold: Segment[] = [];
  let count = 0;
  for (const group of unsealed) {
    limits.check();
    const folded = foldKept(kept.get(group.key), filter, fold);
    if (folded === undefined) unread.push(group);
    else count += folded;
    await turn();
  }
  const toKeep = keepable(unread, kept);
  const isKeptAlong = isLittle(toKeep);
  const reader = isKeptAlong ? wholeEvents : partsOfEvents(filter, fold.columns);
  const rows = new BatchReading(collections, filter, limits, reader);
  try {
    rows.want(batches);
    for (const group of unread) {
      rows.want(group.batches, isKeptAlong && toKeep.includes(group) ? group.key : undefined);
    }
    rows.begin();
    for await (const [one, columns] of fetched(source, wanted)) {
      limits.check();
      const folded = columns && foldColumns(one.segment, one.names, columns, filter, fold);
      if (folded === undefined) untold.push(one.segment);
      else count += folded;
      await turn();
    }
    rows.want(await batchesOf(collections, untold));
    count += await rows.fold(fold);
    // What a server read until its time was over may be a part, which must not be kept.
    limits.check();
    for (const [key, documents] of rows.read) kept.keep(key, documents);
    if (!isKeptAlong) for (const group of toKeep) kept.readLater(collections, project, group);
    return count;
  } finally {
    await rows.close();
  }
}

/** The groups whose events are of use to questions that come. */
function keepable(
  unread: readonly UnsealedGroup[],
  kept: Segments["unsealed"],
): readonly UnsealedGroup[] {
  let left = keptBytesAtOnce;
  return unread.filter(({ key, bytes }) => {
    const isToKeep = bytes <= left && kept.lacks(key);
    if (isToKeep) left -= bytes;
    return isToKeep;
  });
}

/** Whether there is something to keep, and reading all of it holds up no answer. */
function isLittle(toKeep: readonly UnsealedGroup[]): boolean {
  const bytes = toKeep.reduce((sum, group) => sum + group.bytes, 0);
  return toKeep.length > 0 && bytes <= keptAlongBytes;
}

/**
 * Fetches each segment's columns, in order. Later fetches run while an earlier segment is folded;
 * many begin together, so that a source can carry them out together.
 */
async function* fetched(
  source: SegmentColumns,
  wanted: readonly Wanted[],
): AsyncGenerator<readonly [Wanted, FetchedColumns | undefined]> {
  const fetches = new Map<number, Promise<FetchedColumns | undefined>>();
  let begun = 0;
  try {
    for (const [at, one] of wanted.entries()) {
      const end = aheadOf(wanted, at);
      if (begun - at <= (end - at) / 2) {
        for (; begun < end; begun++) {
          const { segment, names } = wanted[begun]!;
          const fetch = source.fetch(segment, names);
          // Where the fold ends early, nothing awaits this fetch.
          fetch.catch(() => undefined);
          fetches.set(begun, fetch);
        }
      }
      const columns = await fetches.get(at)!;
      fetches.delete(at);
      yield [one, columns];
    }
  } finally {
    await Promise.allSettled(fetches.values());
  }
}

/** The end of the segments that may be fetched while one of them is folded. */
function aheadOf(wanted: readonly Wanted[], at: number): number {
  const most = Math.min(at + ahead.most, wanted.length);
  let end = at;
  for (let bytes = 0; end < most; end++) {
    bytes += bytesRead(wanted[end]!);
    if (bytes > ahead.bytes && end - at >= ahead.fewest) break;
  }
  return end;
}

/**
 * Folds a segment's columns.
 * @returns `undefined`, and folds nothing, where the columns do not suffice
 */
function foldColumns(
  segment: AboutColumns,
  names: readonly string[],
  columns: FetchedColumns,
  filter: EventFilter,
  fold: Fold<unknown>,
): number | undefined {
  const fetched = new Set(names);
  return foldFrom(segment, filter, fold, (name) => {
    if (!fetched.has(name)) throw new Error(`the column ${name} was not fetched`);
    return columns.get(name);
  });
}

/** As `foldColumns`, for a group of unsealed batches of which all columns are kept. */
function foldKept(
  kept: KeptGroup | undefined,
  filter: EventFilter,
  fold: Fold<unknown>,
): number | undefined {
  return kept && foldFrom(kept, filter, fold, (name) => kept.columns.get(name));
}

type AboutColumns = Pick<Segment, "rows" | "complete" | "oldest" | "newest">;

function foldFrom(
  { rows, complete, oldest, newest }: AboutColumns,
  filter: EventFilter,
  fold: Fold<unknown>,
  fetch: (name: string) => Uint8Array | undefined,
): number | undefined {
  if (rows === 0) return 0;
  const { project } = filter;
  try {
    const source = { project, rows, complete, oldest, newest, fetch };
    return new ColumnReader(source).fold(filter, fold);
  } catch (error) {
    if (error instanceof MissingColumn) return undefined;
    throw error;
  }
}
