import { FoldOverflow } from "../analytics/fold.ts";
import { rowReader } from "../analytics/fold-row.ts";
import { foldOf, type FoldJob, type FoldKind } from "../analytics/folds.ts";
import { ServiceError } from "../errors.ts";
import { deadline, TimedOut } from "./deadline.ts";
import type { Collections } from "./mongo-collections.ts";
import { matchOf, meeting } from "./mongo-events.ts";
import type { Analyzed, EventFilter } from "./store.ts";

const batchSize = 1_000;

/** Fold the events as they come from the server, a batch at a time, so that others have their turn in between. */
export async function analyze<K extends FoldKind>(
  collections: Collections,
  filter: EventFilter,
  job: FoldJob<K>,
  timeoutMs: number,
): Promise<Analyzed<K>> {
  try {
    return await foldEvents(collections, filter, job, timeoutMs);
  } catch (error) {
    if (error instanceof FoldOverflow || error instanceof TimedOut) {
      throw new ServiceError("QUERY_TOO_EXPENSIVE", error.message);
    }
    throw error;
  }
}

async function foldEvents<K extends FoldKind>(
  { events }: Collections,
  filter: EventFilter,
  job: FoldJob<K>,
  timeoutMs: number,
): Promise<Analyzed<K>> {
  const check = deadline(timeoutMs);
  const fold = foldOf(job);
  const read = rowReader(fold.columns);
  const { match, rest } = matchOf(filter);
  let count = 0;
  for await (const event of meeting(events.find(match).batchSize(batchSize), rest)) {
    fold.add(read(event));
    if (++count % batchSize === 0) check();
  }
  return { result: fold.finish(), events: count };
}
