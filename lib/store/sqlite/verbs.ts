import { analyze } from "./analyze.ts";
import { cost } from "./cost.ts";
import { checkpoint } from "./checkpoint.ts";
import { append, keepWhole } from "./append.ts";
import { brokenEvents, brokenSpans, setAside } from "./broken.ts";
import { compact, compactable } from "./compact.ts";
import type { Database, DatabaseOptions } from "./database.ts";
import { covered } from "./covered.ts";
import { deltaSums, fold, planFold, sumDeltas } from "./delta-sums.ts";
import { complete, planRecount, putDeltas, putRecount, recounted } from "./deltas.ts";
import { lacksColumns, nextColumns, putColumns } from "./columns/table.ts";
import { countEntities, findEntities, findKeys } from "./entities.ts";
import { dropHeld, erasable, erase, erasedAt, fence, holder, refuse, refused } from "./erase.ts";
import { countEvents, event, events, fingerprint, page, sample } from "./events.ts";
import { acts, beginAct, endAct } from "./acts.ts";
import { addKey, endKey, holdingKeys, key, keys, keysVersion, usedKeys } from "./keys.ts";
import { job, jobs, openJobs, openJobsOf, putJob } from "./jobs.ts";
import { look } from "./look.ts";
import { clearMark, dirty, dirtyBacklog, markDirty, markParent, marks, nextDay } from "./marks.ts";
import {
  amendHeld,
  countQuarantine,
  inQuarantine,
  quarantined,
  releaseHeld,
  currentSchemas,
  putSchema,
  schema,
  schemasVersion,
} from "./quarantine.ts";
import { removeQuestion, savedQuestion, savedQuestions, saveQuestion } from "./saved-questions.ts";
import { hasWide, narrow } from "./narrow.ts";
import { below, countedBelow, dropCounted, dropEvents, dropRollups, shrink } from "./retention.ts";
import { eventsText, list } from "./shown.ts";
import { stored } from "./stored.ts";
import { rollup, rollups, rollUpMarked, sumChildren, sumMarked, writeRollup } from "./rollups.ts";

/** The calls of the writing thread. Each runs within a transaction. */
export const writerVerbs = {
  keepWhole,
  append,
  putDeltas,
  fold,
  putRecount,
  complete,
  compact,
  fence,
  erase,
  refuse,
  dropEvents,
  dropCounted,
  dropRollups,
  shrink,
  putJob,
  markDirty,
  markParent,
  clearMark,
  writeRollup,
  rollUpMarked,
  putColumns,
  narrow,
  saveQuestion,
  removeQuestion,
  addKey,
  endKey,
  usedKeys,
  beginAct,
  endAct,
  putSchema,
  amendHeld,
  releaseHeld,
  dropHeld,
  setAside,
  ping,
};

/** The calls of the writing thread that run between transactions. */
export const betweenVerbs = { emptyLog };

/** The calls of a reading thread. Each reads one state of the file. */
export const readerVerbs = {
  look,
  event,
  events,
  page,
  eventsText,
  list,
  countEvents,
  fingerprint,
  stored,
  dirty,
  dirtyBacklog,
  marks,
  rollups,
  sumDeltas,
  deltaSums,
  covered,
  sumChildren,
  sumMarked,
  planFold,
  planRecount,
  recounted,
  compactable,
  rollup,
  nextDay,
  erasable,
  holder,
  erasedAt,
  refused,
  below,
  countedBelow,
  job,
  jobs,
  openJobs,
  openJobsOf,
  analyze,
  cost,
  sample,
  lacksColumns,
  nextColumns,
  hasWide,
  checkpoint,
  savedQuestion,
  savedQuestions,
  key,
  keys,
  keysVersion,
  holdingKeys,
  acts,
  schema,
  currentSchemas,
  schemasVersion,
  quarantined,
  inQuarantine,
  countQuarantine,
  brokenEvents,
  brokenSpans,
  findKeys,
  findEntities,
  countEntities,
};

/** Makes a small durable write: only a write shows that other writes would succeed. */
function ping(db: Database): void {
  db.run("UPDATE pings SET at = ?", Date.now());
}

function emptyLog(db: Database): boolean {
  return db.emptyLog();
}

/** The calls that the event loop can make to a thread of the store. */
export type WriterVerbs = typeof writerVerbs & typeof betweenVerbs;
export type ReaderVerbs = typeof readerVerbs;

/** A verb's parameters, without the database that the thread adds. */
export type Parameters<V, K extends keyof V> = V[K] extends (
  database: never,
  ...parameters: infer P
) => unknown
  ? P
  : never;

export type Result<V, K extends keyof V> = V[K] extends (...parameters: never) => infer R
  ? R
  : never;

export interface ThreadOptions extends DatabaseOptions {
  /** Whether the event loop has priority over the thread where cores are few. */
  readonly givesWay: boolean;
  /** The memory of `Stops`: the calls whose callers do not wait any more. */
  readonly stops: SharedArrayBuffer;
}

export interface ThreadCall {
  readonly id: number;
  /**
   * The name of a call. `close` finishes the calls made so far, closes the file and ends the
   * thread; the end of the thread is its answer.
   */
  readonly verb: string;
  readonly parameters: readonly unknown[];
}

export interface ThreadReply {
  readonly id: number;
  readonly value?: unknown;
  readonly failure?: Failure;
}

/**
 * The kinds of failures:
 * - `away`: the file cannot be used right now.
 * - `newer`: a newer version wrote the file.
 * - `expensive`: this one call takes too long, or too much memory.
 * - `stopped`: the caller does not wait any more.
 * - `broken`: the call needs an event that cannot be read.
 * - `bad`: this one call cannot be carried out.
 */
export interface Failure {
  readonly kind: "away" | "newer" | "expensive" | "stopped" | "broken" | "bad";
  readonly reason: string;
  /** Whether the file contains events that cannot be read. */
  readonly damaged?: boolean;
}
