import type { Period } from "../../counting/calendar.ts";
import { assign } from "../../counting/cover.ts";
import type { OrderedRows } from "./timeline.ts";

/** The users whose first event lies in one period. */
export interface Cohort {
  /** The period's start in the zone's calendar, RFC 3339, even where the range begins later. */
  readonly start: string;
  readonly size: number;
  /** How many of its users returned in each period, from this one to the last of the range. */
  readonly returned: readonly number[];
}

/** The bits of a row's mark. */
export const isFirst = 1;
const isReturning = 2;

/** Counts cohorts and their returns, user by user. */
export class CohortTable {
  readonly #periods: readonly Period[];
  readonly #sizes: Uint32Array;
  /** The number of returns, by cohort, then by period. */
  readonly #returned: Uint32Array;

  constructor(periods: readonly Period[]) {
    this.#periods = periods;
    this.#sizes = new Uint32Array(periods.length);
    this.#returned = new Uint32Array(periods.length ** 2);
  }

  /**
   * @param start the row of the user's first event
   * @param end the end of the user's rows
   */
  add({ instants, marks }: OrderedRows, start: number, end: number): void {
    const cohort = assign(this.#periods, instants[start]!);
    this.#sizes[cohort]! += 1;
    let period = cohort;
    let counted = -1;
    for (let row = start; row < end; row++) {
      if ((marks[row]! & isReturning) === 0) continue;
      while (instants[row]! >= this.#periods[period]!.end) period += 1;
      if (period === counted) continue;
      counted = period;
      this.#returned[cohort * this.#periods.length + period]! += 1;
    }
  }

  cohorts(): readonly Cohort[] {
    const count = this.#periods.length;
    return this.#periods.map(({ time }, cohort) => ({
      start: time,
      size: this.#sizes[cohort]!,
      returned: [...this.#returned.subarray(cohort * count + cohort, (cohort + 1) * count)],
    }));
  }
}
