import { setImmediate as turn } from "node:timers/promises";
import { FoldOverflow, type Fold, rowReader } from "../../questions/fold.ts";
import { foldOf, type FoldJob, type FoldKind } from "../../questions/folds.ts";
import { ServiceError } from "../../errors.ts";
import { heapIsFull } from "../../concurrency/thread-load.ts";
import { meets, type EventFilter } from "../../event/filter.ts";
import { deadline, TimedOut, tookTooLong } from "../time-limit.ts";
import { inOneAnswer, type Collections } from "./documents.ts";
import { matchOf, meeting } from "./events.ts";
import { wholeWithin, type ServerLimits } from "./server-limits.ts";
import { isTimeLimit } from "./errors.ts";
import { pipelineOf, type LoadedEvent } from "./pipeline.ts";
import { foldSegments } from "./segments/fold.ts";
import type { Segments } from "./segments/segments.ts";
import type { Analyzed, FoldedPart, PartOfQuestion } from "../store.ts";
import type { ReadLimits } from "../../event/event-page.ts";

const { batchSize } = inOneAnswer;
const checkSize = 1_000;

/** The number of events between two breaks for other work. */
const turnSize = 20_000;

/** How events are read. */
export interface Means {
  /** Whether the server takes questions as pipelines. */
  readonly pushDown: boolean;
  readonly segments?: Segments;
}

/**
 * Folds the events, from the columns of segments where there are any. Otherwise, where the server
 * can group them (`pipelineOf`), it sends only the properties that the fold reads, equal ones
 * together; and if not, it sends whole events. It reads a batch at a time, so that other work has
 * its turn in between.
 */
export async function analyze<K extends FoldKind>(
  collections: Collections,
  filter: EventFilter,
  job: FoldJob<K>,
  limits: ReadLimits,
  { pushDown, segments }: Means,
): Promise<Analyzed<K>> {
  const fold = foldOf(job);
  return withinBounds(limits, async () => {
    const manifest = await segments?.manifestOf(collections, filter);
    const events =
      segments !== undefined && manifest !== undefined
        ? await foldSegments(collections, segments, manifest, filter, fold, {
            check: checkOf(limits),
            ...serverLimits(limits),
          })
        : pushDown
          ? await foldTold(collections, filter, job, fold, limits)
          : await foldWhole(collections, filter, fold, limits);
    return { result: fold.finish(), events };
  });
}

/** A part of the events as `EventParts` has it. */
export async function analyzePart(
  collections: Collections,
  segments: Segments,
  { manifest, filter, job, share }: PartOfQuestion,
  limits: ReadLimits,
): Promise<FoldedPart> {
  const fold = foldOf(job, share);
  return withinBounds(limits, async () => {
    const events = await foldSegments(collections, segments, manifest, filter, fold, {
      check: checkOf(limits),
      ...serverLimits(limits),
    });
    return { part: fold.partial(), events };
  });
}

/** Answers with all events or not at all. */
async function withinBounds<T>(limits: ReadLimits, answer: () => Promise<T>): Promise<T> {
  const { timeoutMs } = limits;
  const checkWhole = wholeWithin(serverLimits(limits));
  try {
    const answered = await answer();
    checkWhole();
    return answered;
  } catch (error) {
    if (isTimeLimit(error)) throw tookTooLong(timeoutMs);
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
  limits: ReadLimits,
): Promise<number> {
  const match = matchOf(filter);
  const { rest, needProperties } = match;
  const { stages, read } = pipelineOf(match, fold.columns, job);
  const rowOf = rowReader<LoadedEvent>(fold.columns, ({ user }) => user);
  const check = checkOf(limits);
  const options = { batchSize, ...serverLimits(limits), allowDiskUse: true };
  let count = 0;
  let rows = 0;
  for await (const found of events.aggregate([...stages], options)) {
    if (++rows % checkSize === 0) check();
    const { event, times, hasBody } = read(found);
    if (!(hasBody ? [...rest, ...needProperties] : rest).every((one) => meets(event, one)))
      continue;
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
  limits: ReadLimits,
): Promise<number> {
  const { match, rest, needProperties } = matchOf(filter);
  const rowOf = rowReader(fold.columns);
  const check = checkOf(limits);
  const found = events.find(match, serverLimits(limits)).batchSize(batchSize);
  let count = 0;
  for await (const event of meeting(found, [...rest, ...needProperties])) {
    fold.add(rowOf(event));
    if (++count % checkSize === 0) check();
  }
  return count;
}

function serverLimits({ timeoutMs, signal }: ReadLimits): ServerLimits {
  return { maxTimeMS: Math.max(1, Math.ceil(timeoutMs)), ...(signal !== undefined && { signal }) };
}

/** Returns a check, to be called repeatedly, that throws where the fold must end. */
function checkOf({ timeoutMs, signal }: ReadLimits): () => void {
  const isInTime = deadline(timeoutMs);
  return () => {
    signal?.throwIfAborted();
    isInTime();
    if (heapIsFull()) throw new FoldOverflow("it takes more memory than one question may");
  };
}

function tooExpensive(message: string): ServiceError {
  return new ServiceError("QUERY_TOO_EXPENSIVE", message);
}
