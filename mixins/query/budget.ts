import { turnWithinMs } from "../../lib/call-limits.ts";
import type { Config } from "../../lib/config.ts";
import { tooMany, type ServiceError } from "../../lib/errors.ts";
import { FairLanes } from "../../lib/concurrency/fair-lanes.ts";
import { Pace, type Budget } from "../../lib/answers/budget.ts";

/**
 * How many pages of events, of the largest size at most, are in memory at a time before they are
 * answers.
 */
const pagesAtOnce = 3;
const maxPagesWaiting = 200;

/** More is refused at once: the node that asks does it itself meanwhile. */
const maxPartsWaiting = 4;

/**
 * What the reads of one process may take together.
 * @param answers what counts the answers that are made and sent
 */
export function budgetOf(config: Config, answers: Budget["answers"]): Budget {
  const { queryConcurrency, queryTimeoutMs, reading } = config;
  const lanesOf = (concurrency: number, maxWaiting: number) =>
    new FairLanes({ concurrency, maxWaiting, maxWaitMs: turnWithinMs }, busy);
  return {
    maxEvents: config.queryMaxEvents,
    timeoutMs: queryTimeoutMs,
    maxPageBytes: reading.pageMaxBytes,
    lanes: lanesOf(queryConcurrency, reading.maxWaiting),
    parts: lanesOf(queryConcurrency, maxPartsWaiting),
    pace: new Pace(),
    shareEvents: config.queryShareEvents,
    pages: lanesOf(pagesAtOnce, maxPagesWaiting),
    answers,
  };
}

function busy(): ServiceError {
  return tooMany("reads_waiting", "Too many of your reads wait for their turn", 2);
}
