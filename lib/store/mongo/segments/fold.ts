import { setImmediate as turn } from "node:timers/promises";
import { meetsFilter } from "../../../counting/event-filter.ts";
import type { EventFilter } from "../../../event/filter.ts";
import { rowReader, type Fold } from "../../../questions/fold.ts";
import { columnsRead } from "../../columns/names.ts";
import { ColumnReader, liesWithin, MissingColumn } from "../../columns/reader.ts";
import type { FetchedColumns, SegmentColumns } from "../../columns/segment.ts";
import { fromRow } from "../../rows.ts";
import { inOneAnswer, type Collections } from "../documents.ts";
import type { ServerLimits } from "../events.ts";
import { isOf } from "./documents.ts";
import { batchesOf } from "./manifest.ts";
import { rowFields, rowFrom } from "./raw-rows.ts";
import type { Manifest, Segment } from "../../manifest.ts";

/** The number of segments whose columns are fetched ahead of the segment that is being folded. */
const ahead = 8;

const batchesAtOnce = 500;
const turnSize = 1_000;

export interface FoldLimits extends ServerLimits {
  /** Called regularly during the fold; throws to end the fold early. */
  readonly check: () => void;
}

/** A segment, and the columns of it that a question reads. */
interface Wanted {
  readonly segment: Segment;
  readonly names: readonly string[];
}

/**
 * Folds the events of a manifest: the columns of segments, and the events themselves where columns
 * are missing or do not suffice.
 * @returns the number of events that met the filter
 */
export async function foldSegments(
  collections: Collections,
  source: SegmentColumns,
  { segments, batches }: Manifest,
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
  const untold: Segment[] = [];
  let count = 0;
  for await (const [one, columns] of fetched(source, wanted)) {
    limits.check();
    const folded = columns && foldColumns(one, columns, filter, fold);
    if (folded === undefined) untold.push(one.segment);
    else count += folded;
    await turn();
  }
  const others = await batchesOf(
    collections.segments,
    untold.map(({ id }) => ({ _id: id })),
  );
  const all = [...batches, ...others];
  for (let at = 0; at < all.length; at += batchesAtOnce) {
    const some = all.slice(at, at + batchesAtOnce);
    count += await foldRows(collections, some, filter, fold, limits);
  }
  return count;
}

/**
 * Fetches each segment's columns, in order. Later fetches run while an earlier segment is folded.
 */
async function* fetched(
  source: SegmentColumns,
  wanted: readonly Wanted[],
): AsyncGenerator<readonly [Wanted, FetchedColumns | undefined]> {
  const fetches = new Map<number, Promise<FetchedColumns | undefined>>();
  try {
    for (const [at, one] of wanted.entries()) {
      for (let next = at; next < Math.min(at + ahead, wanted.length); next++) {
        if (fetches.has(next)) continue;
        const { segment, names } = wanted[next]!;
        const fetch = source.fetch(segment, names);
        // Where the fold ends early, nothing awaits this fetch.
        fetch.catch(() => undefined);
        fetches.set(next, fetch);
      }
      const columns = await fetches.get(at)!;
      fetches.delete(at);
      yield [one, columns];
    }
  } finally {
    await Promise.allSettled(fetches.values());
  }
}

/**
 * Folds a segment's columns.
 * @returns `undefined`, and folds nothing, where the columns do not suffice
 */
function foldColumns(
  { segment, names }: Wanted,
  columns: FetchedColumns,
  filter: EventFilter,
  fold: Fold<unknown>,
): number | undefined {
  const fetched = new Set(names);
  const fetch = (name: string) => {
    if (!fetched.has(name)) throw new Error(`the column ${name} was not fetched`);
    return columns.get(name);
  };
  try {
    const { rows, complete, oldest, newest } = segment;
    const { project } = filter;
    const source = { project, rows, complete, oldest, newest, fetch };
    return new ColumnReader(source).fold(filter, fold);
  } catch (error) {
    if (error instanceof MissingColumn) return undefined;
    throw error;
  }
}

/** Folds the events of batches one by one. */
async function foldRows(
  { events }: Collections,
  batches: readonly string[],
  filter: EventFilter,
  fold: Fold<unknown>,
  { check, ...limits }: FoldLimits,
): Promise<number> {
  const rowOf = rowReader(fold.columns);
  const found = events
    .find(
      { project: filter.project, batch: { $in: [...batches] } },
      { ...limits, ...inOneAnswer, raw: true },
    )
    .project<Uint8Array>(rowFields);
  let count = 0;
  for await (const first of found) {
    for (const bytes of [first, ...found.readBufferedDocuments(turnSize)]) {
      const event = fromRow(rowFrom(bytes));
      if (!meetsFilter(event, filter)) continue;
      fold.add(rowOf(event));
      count += 1;
    }
    check();
    await turn();
  }
  return count;
}
