import { largest, breakdown } from "./breakdown-values.ts";
import { periodsUpTo, type Period } from "../../counting/calendar.ts";
import { CohortTable, enter, isFirst, sizeItself, type Cohort } from "./cohort-table.ts";
import { FoldOverflow, type Fold } from "../fold.ts";
import type { Share } from "../share.ts";
import type { OrderedRows, Rows } from "./timeline.ts";
import type { PropertyPath } from "../../event/property-path.ts";
import { by, type ActorKind } from "./actor.ts";
import type { OpenFilter } from "../reading/filter-parameters.ts";
import type { OpenRange } from "../../event/filter.ts";
import { range, readBody } from "../reading/body.ts";
import { choice, described, timezone, type Findings } from "../reading/field.ts";
import { checkSize, filterOf, selection, type Selection, MarkedEvents } from "./selection.ts";
import { describeSpan } from "../answer-meta.ts";

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
 * Reads the body of a retention question.
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
function maxTouchedPeriods({ breakdown }: Pick<RetentionJob, "breakdown">): number {
  return breakdown === undefined ? 400 : 100;
}

/**
 * The fault of a range with too many periods.
 * @param range the job's own, its open ends closed
 */
function tooManyPeriods(
  job: Pick<RetentionJob, "interval" | "breakdown" | "range">,
  range: { readonly from: number; readonly to: number },
): string {
  const what = `the range ${describeSpan(job.range, range)}`;
  const breakdown = job.breakdown === undefined ? "" : ", with a breakdown,";
  return `${what}${breakdown} may touch at most ${maxTouchedPeriods(job)} periods of one ${job.interval}: narrow it, or take a longer interval of ${intervals.join(", ")}`;
}

function checkPeriods(job: RetentionJob, findings: Findings): void {
  const { from, to } = job.range;
  if (from === undefined || to === undefined || from >= to) return;
  const { interval, timezone } = job;
  if ("periods" in periodsUpTo(maxTouchedPeriods(job), interval, timezone, { from, to })) return;
  findings.push({ pointer: "/range", code: "periods", message: tooManyPeriods(job, { from, to }) });
}

export interface RetentionResult {
  /** The cohort of each period of the range, ascending, including periods in which nobody came. */
  readonly cohorts: readonly Cohort[];
  /** With a breakdown: the values with the most users, the largest first. */
  readonly results?: readonly { readonly value: string; readonly cohorts: readonly Cohort[] }[];
  /** The number of further values. */
  readonly valuesLeftOut?: number;
}

/**
 * Retention. A user's first event of the chosen kind within the range puts the user into the cohort
 * of the calendar period that contains the event. `returned[i]` is the number of a cohort's users
 * with a returning event in the `i`th period after that one (0 is the cohort's own), at the first
 * event's instant or later. The first event itself is a return where it is also a returning event.
 * A range that is open at an end reaches as far as the first events do, or as the events do. With a
 * breakdown a user counts under the value of the first event; of several at that instant, under the
 * first value by code unit.
 */
export function retentionFold(job: RetentionJob, share?: Share): Fold<RetentionResult> {
  return new Retention(job, share);
}

/** The retention of some users. */
interface RetentionPart {
  /** The two instants of `Extent`, with `null` in place of an infinite one. */
  readonly earliest: number | null;
  readonly latest: number | null;
  /** The starts of the periods from the earliest to the latest instant. */
  readonly periods: readonly string[];
  readonly values: readonly string[];
  /** The counts; values and periods are indexes of the two lists. */
  readonly counts: readonly Count[];
}

/** The number of a value's users (`ofAll`: of all users) in a cohort, or in one of its periods. */
type Count = readonly [value: number, cohort: number, period: number, users: number];

const ofAll = -1;

class Retention extends MarkedEvents implements Fold<RetentionResult> {
  readonly #job: RetentionJob;
  readonly #parts: RetentionPart[] = [];

  constructor(job: RetentionJob, share?: Share) {
    super(job.by, [job.first, job.returning], job.breakdown, share);
    this.#job = job;
  }

  partial(): RetentionPart {
    const { rows, extent, calendar, texts } = this.#inOrder();
    const sums = new Map<number, number>();
    const width = calendar.length + 1;
    const visit = (...[value, cohort, period, users]: Count) => {
      const key = ((value + 1) * width + cohort) * width + period + 1;
      sums.set(key, (sums.get(key) ?? 0) + users);
    };
    this.#count(rows, calendar, texts, visit);
    const counts = [...sums].map(([key, users]): Count => {
      const ofValue = Math.floor(key / width);
      return [Math.floor(ofValue / width) - 1, ofValue % width, (key % width) - 1, users];
    });
    const times = calendar.map(({ time }) => time);
    const [earliest, latest] = [finite(extent.earliest), finite(extent.latest)];
    return { earliest, latest, periods: times, values: texts, counts };
  }

  merge(part: RetentionPart): void {
    this.#parts.push(part);
    for (const value of part.values) this.values.numberOfShown(value);
  }

  finish(): RetentionResult {
    const { rows, calendar, texts } = this.#inOrder();
    const all = new CohortTable(calendar);
    const users = new Uint32Array(texts.length);
    this.#count(rows, calendar, texts, (value, cohort, period, count) => {
      if (value === ofAll) all.add(cohort, period, count);
      else if (period === sizeItself) users[value]! += count;
    });
    if (this.#job.breakdown === undefined) return { cohorts: all.cohorts() };
    const shown = largest(texts, (value) => users[value]!);
    const tables = new Map(shown.map(({ number }) => [number, new CohortTable(calendar)]));
    this.#count(rows, calendar, texts, (value, cohort, period, count) => {
      tables.get(value)?.add(cohort, period, count);
    });
    return {
      cohorts: all.cohorts(),
      results: shown.map(({ value, number }) => ({
        value,
        cohorts: tables.get(number)!.cohorts(),
      })),
      valuesLeftOut: users.filter((count) => count > 0).length - shown.length,
    };
  }

  #inOrder() {
    const rows = this.timeline.inOrder();
    const own = extentOf(rows);
    const extent = {
      earliest: Math.min(own.earliest, ...this.#parts.map((part) => part.earliest ?? Infinity)),
      latest: Math.max(own.latest, ...this.#parts.map((part) => part.latest ?? -Infinity)),
    };
    return { rows, extent, calendar: this.#periods(extent), texts: this.values.all() };
  }

  /** Reports where each user counts, including users of other parts. */
  #count(
    rows: OrderedRows,
    calendar: readonly Period[],
    texts: readonly string[],
    visit: (...count: Count) => void,
  ): void {
    for (const entry of entries(rows, texts)) {
      const { value } = entry;
      enter(calendar, rows, entry, (cohort, period) => {
        visit(ofAll, cohort, period, 1);
        if (value >= 0) visit(value, cohort, period, 1);
      });
    }
    const at = new Map(calendar.map(({ time }, i) => [time, i]));
    for (const { periods: times, values, counts } of this.#parts) {
      const places = times.map((time) => at.get(time)!);
      const numbers = values.map((value) => this.values.numberOfShown(value));
      for (const [value, cohort, period, users] of counts) {
        const own = period === sizeItself ? sizeItself : places[period]!;
        visit(value === ofAll ? ofAll : numbers[value]!, places[cohort]!, own, users);
      }
    }
  }

  #periods({ earliest, latest }: Extent): readonly Period[] {
    const { interval, timezone, range } = this.#job;
    const { from = earliest, to = latest + 1 } = range;
    const found = periodsUpTo(maxTouchedPeriods(this.#job), interval, timezone, { from, to });
    if ("periods" in found) return found.periods;
    throw new FoldOverflow(tooManyPeriods(this.#job, { from, to }));
  }
}

/** The earliest first event, and the latest event of all; infinite where there are none. */
interface Extent {
  readonly earliest: number;
  readonly latest: number;
}

function finite(instant: number): number | null {
  return Number.isFinite(instant) ? instant : null;
}

function extentOf({ instants, marks }: Rows): Extent {
  let [earliest, latest] = [Infinity, -Infinity];
  for (let row = 0; row < instants.length; row++) {
    const instant = instants[row]!;
    if ((marks[row]! & isFirst) !== 0 && instant < earliest) earliest = instant;
    if (instant > latest) latest = instant;
  }
  return { earliest, latest };
}

/** A user's entry into a cohort. */
interface Entry {
  /**
   * The row of the user's first event, and the end of the user's rows. A return at the same instant
   * comes after that row (rows are in the order of their marks), or is the first event itself.
   */
  readonly start: number;
  readonly end: number;
  /** The number of the value; -1 where there are no values. */
  readonly value: number;
}

/**
 * Yields an entry for each user who has a first event. The entry object is reused for the next
 * user.
 */
function* entries(
  { starts, instants, marks, values }: OrderedRows,
  texts: readonly string[],
): Iterable<Entry> {
  const entry = { start: 0, end: 0, value: -1 };
  for (let user = 1; user < starts.length; user++) {
    const end = starts[user]!;
    let row = starts[user - 1]!;
    while (row < end && (marks[row]! & isFirst) === 0) row += 1;
    if (row === end) continue;
    const instant = instants[row]!;
    entry.value = -1;
    for (let tied = row; tied < end && instants[tied] === instant; tied++) {
      if (texts.length === 0 || (marks[tied]! & isFirst) === 0) continue;
      const value = values[tied]!;
      if (entry.value < 0 || texts[value]! < texts[entry.value]!) entry.value = value;
    }
    entry.start = row;
    entry.end = end;
    yield entry;
  }
}
