import { largest } from "./breakdown-values.ts";
import { countPeriods, periods, type Period } from "../../counting/calendar.ts";
import { CohortTable, isFirst, type Cohort } from "./cohort-table.ts";
import { FoldOverflow, type Fold } from "../fold.ts";
import { MarkedEvents } from "./marked-events.ts";
import { maxTouchedPeriods, tooManyPeriods, type RetentionJob } from "./retention-question.ts";
import type { OrderedRows, Rows } from "./timeline.ts";

export interface RetentionResult {
  /** One for each period of the range, ascending, even where nobody came. */
  readonly cohorts: readonly Cohort[];
  /** With a breakdown: the values with the most users, the largest first. */
  readonly results?: readonly { readonly value: string; readonly cohorts: readonly Cohort[] }[];
  /** How many more values there are. */
  readonly valuesLeftOut?: number;
}

/**
 * Retention. A user's first event of the chosen kind within the range puts the user into the cohort
 * of the calendar period it lies in. `returned[i]` is how many of a cohort have a returning event
 * in the `i`th period after that one (0 is the cohort's own), at the first event's instant or
 * later; the first event itself is a return where it is also a returning one.
 * A range that is open at an end reaches as far as the first events, or the events, do. With a
 * breakdown a user counts under the value of the first event; of several at that instant, under the
 * first value by code unit.
 */
export function retentionFold(job: RetentionJob): Fold<RetentionResult> {
  return new Retention(job);
}

class Retention extends MarkedEvents implements Fold<RetentionResult> {
  readonly #job: RetentionJob;

  constructor(job: RetentionJob) {
    super(job.by, [job.first, job.returning], job.breakdown);
    this.#job = job;
  }

  finish(): RetentionResult {
    const rows = this.timeline.inOrder();
    const calendar = this.#periods(rows);
    const texts = this.values.all();
    const all = new CohortTable(calendar);
    const users = new Uint32Array(texts.length);
    for (const { start, end, value } of entries(rows, texts)) {
      all.add(rows, start, end);
      if (value >= 0) users[value]! += 1;
    }
    if (this.#job.breakdown === undefined) return { cohorts: all.cohorts() };
    const shown = largest(texts, (value) => users[value]!);
    const tables = new Map(shown.map(({ number }) => [number, new CohortTable(calendar)]));
    for (const { start, end, value } of entries(rows, texts)) {
      tables.get(value)?.add(rows, start, end);
    }
    return {
      cohorts: all.cohorts(),
      results: shown.map(({ value, number }) => ({
        value,
        cohorts: tables.get(number)!.cohorts(),
      })),
      valuesLeftOut: users.filter((count) => count > 0).length - shown.length,
    };
  }

  #periods(rows: OrderedRows): readonly Period[] {
    const { interval, timezone, range } = this.#job;
    const { earliest, latest } = extentOf(rows);
    const { from = earliest, to = latest + 1 } = range;
    if (countPeriods(interval, { from, to }) > maxTouchedPeriods(this.#job)) {
      throw new FoldOverflow(tooManyPeriods(this.#job, { from, to }));
    }
    return periods(interval, timezone, { from, to });
  }
}

/** The earliest first event, and the last event of all. */
function extentOf({ instants, marks }: Rows): {
  readonly earliest: number;
  readonly latest: number;
} {
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
   * The first event's row, and the end of the user's rows. A return at the same instant comes after
   * it (rows are in the order of their marks), or is the first event itself.
   */
  readonly start: number;
  readonly end: number;
  /** -1 where there are no values. */
  readonly value: number;
}

/** Called for each user who has a first event. The entry object is reused for the next user. */
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
