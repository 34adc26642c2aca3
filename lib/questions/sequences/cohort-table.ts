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

/** In the place of a period with returns: the size of the cohort. */
export const sizeItself = -1;

/**
 * Tells where one user counts: in the size of a cohort, and once in each period with a return.
 * @param start the row of the user's first event
 * @param end the end of the user's rows
 */
export function enter(
  periods: readonly Period[],
  { instants, marks }: OrderedRows,
  { start, end }: { readonly start: number; readonly end: number },
  count: (cohort: number, period: number) => void,
): void {
  const cohort = assign(periods, instants[start]!);
  count(cohort, sizeItself);
  let period = cohort;
  let counted = -1;
  for (let row = start; row < end; row++) {
    if ((marks[row]! & isReturning) === 0) continue;
    while (instants[row]! >= periods[period]!.end) period += 1;
    if (period === counted) continue;
    counted = period;
    count(cohort, period);
  }
}

/** The sizes of cohorts and their returns, as they are counted. */
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

  /** @param period of returns, or `sizeItself` */
  add(cohort: number, period: number, users: number): void {
    if (period === sizeItself) this.#sizes[cohort]! += users;
    else this.#returned[cohort * this.#periods.length + period]! += users;
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
