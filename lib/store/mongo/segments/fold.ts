import { setImmediate as turn } from "node:timers/promises";
import { meetsFilter } from "../../../counting/event-filter.ts";
import type { EventFilter } from "../../../event/filter.ts";
import { rowReader, type Fold } from "../../../questions/fold.ts";
import { columnsRead } from "../../columns/names.ts";
import { ColumnReader, MissingColumn } from "../../columns/reader.ts";
import type { FetchedColumns, SegmentColumns } from "../../columns/segment.ts";
import { fromDocument, inOneAnswer, type Collections, type EventDocument } from "../documents.ts";
import type { ServerLimits } from "../events.ts";
import { batchesOf } from "./manifest.ts";
import type { Manifest, Segment } from "../../manifest.ts";

/** The number of segments whose columns are fetched ahead of the segment that is being folded. */
const ahead = 8;

const batchesAtOnce = 500;
const turnSize = 1_000;

export interface FoldLimits extends ServerLimits {
  /** Called regularly during the fold; throws to end the fold early. */
  readonly check: () => void;
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
  const names = columnsRead(filter, fold.columns);
  const wanted = segments.filter(({ rows, oldest, newest }) => {
    const { from = -Infinity, to = Infinity } = filter;
    return rows > 0 && newest >= from && oldest < to;
  });
  const untold: Segment[] = [];
  let count = 0;
  for await (const [segment, columns] of fetched(source, wanted, names)) {
    limits.check();
    const folded = columns && foldColumns(segment, columns, names, filter, fold);
    if (folded === undefined) untold.push(segment);
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
  segments: readonly Segment[],
  names: readonly string[],
): AsyncGenerator<readonly [Segment, FetchedColumns | undefined]> {
  const fetches = new Map<number, Promise<FetchedColumns | undefined>>();
  try {
    for (const [at, segment] of segments.entries()) {
      for (let next = at; next < Math.min(at + ahead, segments.length); next++) {
        if (fetches.has(next)) continue;
        const fetch = source.fetch(segments[next]!, names);
        // Where the fold ends early, nothing awaits this fetch.
        fetch.catch(() => undefined);
        fetches.set(next, fetch);
      }
      const columns = await fetches.get(at)!;
      fetches.delete(at);
      yield [segment, columns];
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
  { rows, complete, oldest, newest }: Segment,
  columns: FetchedColumns,
  names: readonly string[],
  filter: EventFilter,
  fold: Fold<unknown>,
): number | undefined {
  const asked = new Set(names);
  const fetch = (name: string) => {
    if (!asked.has(name)) throw new Error(`the column ${name} was not fetched`);
    return columns.get(name);
  };
  try {
    return new ColumnReader({ rows, complete, oldest, newest, fetch }).fold(filter, fold);
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
    .find({ project: filter.project, batch: { $in: [...batches] } }, { ...limits, ...inOneAnswer })
    .project<EventDocument>({ properties: 0 });
  let read = 0;
  let count = 0;
  for await (const document of found) {
    if (++read % turnSize === 0) {
      check();
      await turn();
    }
    const event = fromDocument(document);
    if (!meetsFilter(event, filter)) continue;
    fold.add(rowOf(event));
    count += 1;
  }
  return count;
}
