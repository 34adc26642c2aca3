import type { SectionRow } from "../counting/cells.ts";
import type { Period } from "../counting/calendar.ts";
import { assign } from "../counting/cover.ts";
import { FoldOverflow } from "../questions/fold.ts";

interface SeriesPoint {
  /** The start of the period, RFC 3339. */
  readonly time: string;
  readonly count: number;
}

/**
 * One row of a counts answer: of a type or, grouped, of a type and a value, under the dimension's
 * name.
 */
export interface CountRow {
  readonly type: string;
  readonly count: number;
  /** One point for each period, with 0 where nothing happened. */
  readonly series?: readonly SeriesPoint[];
  readonly [dimension: string]: string | number | readonly SeriesPoint[] | undefined;
}

export interface Counts {
  /** Ordered by count, the largest first, then by type, then by value (both by code unit). */
  readonly data: readonly CountRow[];
  /** The sum over all rows, also over those that are left out. */
  readonly total: number;
  /** How many rows there are, with those that are left out. */
  readonly rows: number;
}

export interface CountOptions {
  /** Makes each row carry a series. Rows outside of all periods are not counted. */
  readonly periods?: readonly Period[];
  /** Count these types alone. */
  readonly types?: readonly string[];
  /** Count these values of the section's dimension alone. */
  readonly values?: readonly string[];
  /** Rows for each value of the section's dimension, under this name. */
  readonly groupBy?: string;
}

/** The most points that an answer shows: its rows by its periods. */
export const maxPoints = 100_000;
const maxRows = 100_000;

/** The most points other than zero that are held while an answer is made. */
const maxHeld = 1_000_000;

interface Group {
  readonly type: string;
  readonly value: string;
  count: number;
  /** Counts by period, without those that are zero. */
  readonly series: Map<number, number>;
}

/**
 * Sums up the rows of a counts question: of rollups of any grain, of deltas and of events, in any
 * order. Its memory is bounded, whatever the rows hold.
 */
export class CountTable {
  readonly #options: CountOptions;
  readonly #types: ReadonlySet<string> | undefined;
  readonly #values: ReadonlySet<string> | undefined;
  readonly #byType = new Map<string, Map<string, Group>>();
  #groups = 0;
  #held = 0;
  #total = 0;

  constructor(options: CountOptions = {}) {
    this.#options = options;
    this.#types = options.types && new Set(options.types);
    this.#values = options.values && new Set(options.values);
  }

  /** Takes a row of the section `types`. @throws FoldOverflow */
  addTypes({ start, cells }: SectionRow<"types">): void {
    const column = this.#columnOf(start);
    if (column < 0) return;
    for (const type of Object.keys(cells)) {
      if (this.#types?.has(type) ?? true) this.#add(type, "", column, cells[type]!);
    }
  }

  /** Takes a row of the section of a dimension. @throws FoldOverflow */
  addValues({ start, cells }: SectionRow<string>): void {
    const column = this.#columnOf(start);
    if (column < 0) return;
    const { groupBy } = this.#options;
    for (const type of Object.keys(cells)) {
      if (!(this.#types?.has(type) ?? true)) continue;
      const counts = cells[type]!;
      for (const value of Object.keys(counts)) {
        if (!(this.#values?.has(value) ?? true)) continue;
        this.#add(type, groupBy === undefined ? "" : value, column, counts[value]!);
      }
    }
  }

  /**
   * `limit` rows after the first `offset`.
   * @throws FoldOverflow where they would have more than `maxPoints` points
   */
  finish(limit = Infinity, offset = 0): Counts {
    const groups = [...this.#byType.values()].flatMap((byValue) => [...byValue.values()]);
    groups.sort(
      (a, b) => b.count - a.count || compare(a.type, b.type) || compare(a.value, b.value),
    );
    const shown = groups.slice(offset, offset + limit);
    const points = shown.length * (this.#options.periods?.length ?? 0);
    if (points > maxPoints) throw new FoldOverflow(tooManyPoints(shown.length, points));
    return {
      data: shown.map((group) => this.#toRow(group)),
      total: this.#total,
      rows: groups.length,
    };
  }

  /** Returns -1 for an instant in no period. */
  #columnOf(instant: number): number {
    const { periods } = this.#options;
    return periods === undefined ? 0 : assign(periods, instant);
  }

  #add(type: string, value: string, column: number, count: number): void {
    this.#total += count;
    const group = this.#groupOf(type, value);
    group.count += count;
    if (this.#options.periods === undefined) return;
    const known = group.series.get(column);
    if (known === undefined && ++this.#held > maxHeld) {
      const points = this.#groups * this.#options.periods.length;
      throw new FoldOverflow(tooManyPoints(this.#groups, points));
    }
    group.series.set(column, (known ?? 0) + count);
  }

  #groupOf(type: string, value: string): Group {
    let byValue = this.#byType.get(type);
    if (byValue === undefined) this.#byType.set(type, (byValue = new Map<string, Group>()));
    let group = byValue.get(value);
    if (group === undefined) {
      if (++this.#groups > maxRows) throw new FoldOverflow(`there are more than ${maxRows} rows`);
      group = { type, value, count: 0, series: new Map() };
      byValue.set(value, group);
    }
    return group;
  }

  #toRow({ type, value, count, series }: Group): CountRow {
    const { groupBy, periods } = this.#options;
    return {
      type,
      ...(groupBy !== undefined && { [groupBy]: value }),
      count,
      ...(periods !== undefined && {
        series: periods.map(({ time }, i) => ({ time, count: series.get(i) ?? 0 })),
      }),
    };
  }
}

function tooManyPoints(rows: number, points: number): string {
  return `${rows} rows with a point for each period are ${points} points, and at most ${maxPoints} are answered: ask for a longer interval, a shorter range, fewer types or a smaller limit`;
}

/** Compares by code unit, so that the order is the same on every machine. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
