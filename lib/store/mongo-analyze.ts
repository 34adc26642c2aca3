import { FoldOverflow } from "../analytics/fold.ts";
import { rowReader } from "../analytics/fold-row.ts";
import { foldOf, type FoldJob, type FoldKind } from "../analytics/folds.ts";
import { ServiceError } from "../errors.ts";
import { deadline, TimedOut } from "./deadline.ts";
import type { Collections } from "./mongo-collections.ts";
import { matchOf, meeting } from "./mongo-events.ts";
import { foldGroups, groupable } from "./mongo-grouping.ts";
import type { Analyzed, EventFilter } from "./store.ts";

const batchSize = 1_000;

/**
 * Fold the events: grouped by the server where it can (`grouping`) and the fold reads what it can group by, else
 * as they come from it, a batch at a time, so that others have their turn in between.
 */
export async function analyze<K extends FoldKind>(
  collections: Collections,
  filter: EventFilter,
  job: FoldJob<K>,
  timeoutMs: number,
  grouping: boolean,
): Promise<Analyzed<K>> {
  try {
    return await foldEvents(collections, filter, job, timeoutMs, grouping);
  } catch (error) {
    if (error instanceof FoldOverflow || error instanceof TimedOut) {
      throw new ServiceError("QUERY_TOO_EXPENSIVE", error.message);
    }
    throw error;
  }
}

async function foldEvents<K extends FoldKind>(
  collections: Collections,
  filter: EventFilter,
  job: FoldJob<K>,
  timeoutMs: number,
  grouping: boolean,
): Promise<Analyzed<K>> {
  const fold = foldOf(job);
  const { match, rest } = matchOf(filter);
  const grouped = grouping && rest.length === 0 ? groupable(fold.columns) : undefined;
  if (grouped !== undefined) {
    const count = await foldGroups(collections, match, grouped, fold, timeoutMs);
    return { result: fold.finish(), events: count };
  }
  const check = deadline(timeoutMs);
  const read = rowReader(fold.columns);
  let count = 0;
  for await (const event of meeting(collections.events.find(match).batchSize(batchSize), rest)) {
    fold.add(read(event));
    if (++count % batchSize === 0) check();
  }
  return { result: fold.finish(), events: count };
}
