import type { Instants } from "./range.ts";
import { periodEnd } from "./series.ts";

/**
 * A cohort of the API's answer: the users whose first event lies in one period, and how many of
 * them came again in each later one.
 */
export interface Cohort {
  readonly start: string;
  readonly size: number;
  readonly returned: readonly number[];
}

export type CohortPeriod = "day" | "week" | "month";

/**
 * `over`: counted to its end. `open`: its end is still to come, or lies beyond the range. `ahead`:
 * not begun.
 */
export type CellState = "over" | "open" | "ahead";

export interface CohortCell {
  readonly state: CellState;
  readonly returned: number;
  readonly size: number;
  /** `returned` of `size`; `null` where the cohort is empty. */
  readonly share: number | null;
}

export interface CohortRow {
  readonly start: string;
  readonly size: number;
  readonly cells: readonly CohortCell[];
}

export interface CohortTable {
  readonly rows: readonly CohortRow[];
  /**
   * For each column the cohorts in which it is over, weighted by their sizes; `undefined` where
   * there is none.
   */
  readonly all: readonly (CohortCell | undefined)[];
  /** How many periods passed before the first cohort with users: they have no rows. */
  readonly emptyBefore: number;
  /** The size of all cohorts together: each user is in one. */
  readonly size: number;
  /** The largest share after the first period, which gets the darkest shade. */
  readonly top: number;
}

/** What says which periods are over. */
interface CohortTime {
  readonly per: CohortPeriod;
  readonly zone: string;
  readonly asOf: string;
  readonly range: Instants | undefined;
}

/** The cohorts whose period has begun, also those without users. */
export function cohortRows(cohorts: readonly Cohort[], at: CohortTime): readonly CohortRow[] {
  const asOf = Date.parse(at.asOf);
  const known = Math.min(asOf, at.range === undefined ? Infinity : Date.parse(at.range.to));
  const starts = cohorts.map(({ start }) => Date.parse(start));
  const ends = cohorts.map(({ start }) => periodEnd(start, at.per, at.zone));
  const stateOf = (period: number): CellState => {
    if (starts[period]! >= asOf) return "ahead";
    return ends[period]! > known ? "open" : "over";
  };
  return cohorts
    .map(({ start, size, returned }, row): CohortRow => ({
      start,
      size,
      cells: returned.map((count, column) => ({
        state: stateOf(row + column),
        returned: count,
        size,
        share: size === 0 ? null : count / size,
      })),
    }))
    .filter((_, row) => stateOf(row) !== "ahead");
}

/**
 * Cohorts as a table whose cells know whether they are over: by the end of the counted time
 * (`asOf`), and by the range's end. The row of all cohorts leaves out cells that are not over.
 */
export function cohortTable(cohorts: readonly Cohort[], at: CohortTime): CohortTable {
  const firstSeen = cohorts.findIndex(({ size }) => size > 0);
  const rows = cohortRows(cohorts, at).filter((_, row) => row >= firstSeen);
  const columns = Math.max(0, ...rows.map(({ cells }) => cells.length));
  const later = rows.flatMap(({ cells }) => cells.slice(1).map(({ share }) => share ?? 0));
  return {
    rows,
    all: Array.from({ length: columns }, (_, column) => together(rows, column)),
    emptyBefore: Math.max(0, firstSeen),
    size: rows.reduce((sum, { size }) => sum + size, 0),
    top: Math.max(0, ...later),
  };
}

function together(rows: readonly CohortRow[], column: number): CohortCell | undefined {
  const over = rows
    .map(({ cells }) => cells[column])
    .filter((cell) => cell?.state === "over") as readonly CohortCell[];
  if (over.length === 0) return undefined;
  const returned = over.reduce((sum, cell) => sum + cell.returned, 0);
  const size = over.reduce((sum, cell) => sum + cell.size, 0);
  return { state: "over", returned, size, share: size === 0 ? null : returned / size };
}

/** The shade of a share, 1 to 7; 0 for an empty cell. */
export function shade(share: number | null, top: number): number {
  if (share === null || share === 0) return 0;
  return Math.max(1, Math.min(7, Math.ceil((share / (top === 0 ? 1 : top)) * 7)));
}

/** The default length of the periods, by the days of the range. */
export function cohortPeriodFor(days: number): CohortPeriod {
  if (days <= 14) return "day";
  return days <= 130 ? "week" : "month";
}
