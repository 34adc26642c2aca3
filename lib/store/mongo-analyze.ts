import { setImmediate as turn } from "node:timers/promises";
import { FoldOverflow, type Fold } from "../analytics/fold.ts";
import { rowReader } from "../analytics/fold-row.ts";
import { foldOf, type FoldJob, type FoldKind } from "../analytics/folds.ts";
import { ServiceError } from "../errors.ts";
import { meets } from "../event/predicate.ts";
import { deadline, TimedOut } from "./deadline.ts";
import { inOneAnswer, type Collections } from "./mongo-collections.ts";
import { matchOf, meeting } from "./mongo-events.ts";
import { isTimeLimit } from "./mongo-failure.ts";
import { pipelineOf, type Told } from "./mongo-pipeline.ts";
import type { Analyzed, EventFilter } from "./store.ts";

const { batchSize } = inOneAnswer;
const checkSize = 1_000;
/** How many events are added before others have their turn. */
const turnSize = 20_000;

/**
 * Fold the events: what is asked about them comes from the server, alike ones together, where it can do
 * that (`pushDown`), else they come whole. A batch at a time, so that others have their turn in between.
 */
export async function analyze<K extends FoldKind>(
  collections: Collections,
  filter: EventFilter,
  job: FoldJob<K>,
  timeoutMs: number,
  pushDown: boolean,
): Promise<Analyzed<K>> {
  const fold = foldOf(job);
  try {
    const events = pushDown
      ? await foldTold(collections, filter, job, fold, timeoutMs)
      : await foldWhole(collections, filter, fold, timeoutMs);
    return { result: fold.finish(), events };
  } catch (error) {
    if (isTimeLimit(error))
      throw tooExpensive(`it took longer than ${timeoutMs} ms and was stopped`);
    if (error instanceof FoldOverflow || error instanceof TimedOut)
      throw tooExpensive(error.message);
    throw error;
  }
}

type Adding = Pick<Fold<unknown>, "columns" | "add">;

/** @returns how many events were added */
async function foldTold(
  { events }: Collections,
  filter: EventFilter,
  job: FoldJob,
  fold: Adding,
  timeoutMs: number,
): Promise<number> {
  const match = matchOf(filter);
  const { rest, untold } = match;
  const { stages, read } = pipelineOf(match, fold.columns, job);
  const rowOf = rowReader<Told>(fold.columns, ({ user }) => user);
  const check = deadline(timeoutMs);
  const options = { batchSize, maxTimeMS: Math.max(1, timeoutMs), allowDiskUse: true };
  let count = 0;
  let rows = 0;
  for await (const found of events.aggregate([...stages], options)) {
    if (++rows % checkSize === 0) check();
    const { event, times, isUntold } = read(found);
    if (!(isUntold ? [...rest, ...untold] : rest).every((one) => meets(event, one))) continue;
    const row = rowOf(event);
    for (let i = 0; i < times; i++) {
      fold.add(row);
      if (++count % turnSize !== 0) continue;
      await turn();
      check();
    }
  }
  return count;
}

async function foldWhole(
  { events }: Collections,
  filter: EventFilter,
  fold: Adding,
  timeoutMs: number,
): Promise<number> {
  const { match, rest, untold } = matchOf(filter);
  const rowOf = rowReader(fold.columns);
  const check = deadline(timeoutMs);
  const found = events.find(match).batchSize(batchSize);
  let count = 0;
  for await (const event of meeting(found, [...rest, ...untold])) {
    fold.add(rowOf(event));
    if (++count % checkSize === 0) check();
  }
  return count;
}

function tooExpensive(message: string): ServiceError {
  return new ServiceError("QUERY_TOO_EXPENSIVE", message);
}
