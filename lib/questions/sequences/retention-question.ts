import type { PropertyPath } from "../../event/property-path.ts";
import { by, type ActorKind } from "./actor.ts";
import { breakdown } from "./breakdown-values.ts";
import { countPeriods } from "../../counting/calendar.ts";
import type { OpenFilter } from "../reading/filter-parameters.ts";
import type { OpenRange } from "../../event/filter.ts";
import { range, readBody } from "../reading/body.ts";
import { choice, described, timezone, type Findings } from "../reading/field.ts";
import { checkSize, filterOf, selection, type Selection } from "./selection.ts";
import { tellSpan } from "../answer-meta.ts";

const intervals = ["day", "week", "month"] as const;

/** A retention question as plain data, for `retentionFold`. */
export interface RetentionJob {
  readonly kind: "retention";
  /** The first of these events puts a user into a cohort. */
  readonly first: Selection;
  /** Each of these events is a return; without a type or filters any event is. */
  readonly returning: Selection;
  readonly interval: (typeof intervals)[number];
  readonly timezone: string;
  readonly by: ActorKind;
  readonly breakdown?: PropertyPath;
  readonly range: OpenRange;
}

/** The parts of a retention question. */
export const retentionBody = {
  first: described(selection, "The first of these events puts a user into a cohort"),
  returning: described(
    selection,
    "Each of these events is a return; any event where it says nothing",
  ),
  interval: choice(intervals, "day"),
  range,
  timezone,
  breakdown,
  by,
};

/**
 * Read the body of a retention question.
 * @throws ServiceError VALIDATION with a finding for each thing that is wrong, and what is allowed
 */
export function readRetentionJob(body: unknown): RetentionJob {
  return readBody(body, retentionBody, ({ first = {}, returning = {}, ...others }, findings) => {
    const job = { kind: "retention" as const, first, returning, ...others };
    checkSize([first, returning], "", findings);
    checkPeriods(job, findings);
    return job;
  });
}

/** The filter for the first and the returning events. */
export function retentionFilter({ first, returning, range }: RetentionJob): OpenFilter {
  return filterOf([first, returning], range);
}

/** The most periods: with a breakdown each value has a table of them. */
export function maxTouchedPeriods({ breakdown }: Pick<RetentionJob, "breakdown">): number {
  return breakdown === undefined ? 400 : 100;
}

/**
 * The fault of a range with too many periods.
 * @param range the job's own, its open ends closed
 */
export function tooManyPeriods(
  job: Pick<RetentionJob, "interval" | "breakdown" | "range">,
  range: { readonly from: number; readonly to: number },
): string {
  const what = `the range ${tellSpan(job.range, range)}`;
  const breakdown = job.breakdown === undefined ? "" : ", with a breakdown,";
  return `${what}${breakdown} may touch at most ${maxTouchedPeriods(job)} periods of one ${job.interval}: narrow it, or take a longer interval of ${intervals.join(", ")}`;
}

function checkPeriods(job: RetentionJob, findings: Findings): void {
  const { from, to } = job.range;
  if (from === undefined || to === undefined || from >= to) return;
  if (countPeriods(job.interval, { from, to }) <= maxTouchedPeriods(job)) return;
  findings.push({ pointer: "/range", code: "periods", message: tooManyPeriods(job, { from, to }) });
}
