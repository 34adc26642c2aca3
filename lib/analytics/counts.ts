import type { StoredEvent } from "../event/event.ts";
import type { SectionRow } from "../store/store.ts";
import type { Period } from "./calendar.ts";
import { isCut, record, sectionOf, type Section } from "./cells.ts";
import { assign } from "./cover.ts";
import { cellsOf } from "./delta.ts";

export interface SeriesPoint {
  /** The start of the period, RFC 3339. */
  readonly time: string;
  readonly count: number;
}

/** One row of a counts answer: of a type or, grouped, of a type and a value, under the dimension's name. */
export interface CountRow {
  readonly type: string;
  readonly count: number;
  /** One point for each period, also where nothing happened. */
  readonly series?: readonly SeriesPoint[];
  readonly [dimension: string]: string | number | readonly SeriesPoint[] | undefined;
}

export interface Counts {
  /** By count, the largest first, then by type, then by value (both by code unit). */
  readonly data: readonly CountRow[];
  readonly total: number;
  /** False where some of what was asked for may be hidden under `(other)`. */
  readonly exact: boolean;
}

export interface CountOptions {
  /** Makes rows carry a series. Rows read outside of all periods do not count. */
  readonly periods?: readonly Period[];
  /** Count these types alone. */
  readonly types?: readonly string[];
}

/**
 * Assemble the counts by type from all rows a cover led to: of rollups of any grain, of deltas, of
 * events (`eventRow`); in any order.
 */
export function countTypes(
  rows: Iterable<SectionRow<"types">>,
  { periods, types }: CountOptions = {},
): Counts {
  const wanted = types && new Set(types);
  const groups = new Groups(periods);
  let exact = true;
  for (const { start, cells, exact: whole } of rows) {
    const column = groups.columnOf(start);
    if (column < 0) continue;
    if (!whole) exact = false;
    for (const type of Object.keys(cells)) {
      if (wanted === undefined || wanted.has(type)) groups.add(type, "", column, cells[type]!);
    }
  }
  return groups.toCounts(exact);
}

/** The same by type and, within, by the values of one dimension. */
export function countValues(
  dimension: string,
  rows: Iterable<SectionRow<string>>,
  { periods, types }: CountOptions = {},
): Counts {
  const wanted = types && new Set(types);
  const groups = new Groups(periods);
  let exact = true;
  for (const { start, cells, exact: whole } of rows) {
    const column = groups.columnOf(start);
    if (column < 0) continue;
    if (!whole && isCut(cells, wanted)) exact = false;
    for (const type of Object.keys(cells)) {
      if (wanted !== undefined && !wanted.has(type)) continue;
      const counts = cells[type]!;
      for (const value of Object.keys(counts)) groups.add(type, value, column, counts[value]!);
    }
  }
  return groups.toCounts(exact, dimension);
}

/**
 * Of rows of a dimension, the counts of some of its values by type: how a filter on a rolled-up
 * dimension (`source`) is answered. Not exact where the row is cut, for a value may have lost some.
 */
export function pickValues(
  rows: readonly SectionRow<string>[],
  values: readonly string[],
): readonly SectionRow<"types">[] {
  const picked = [...new Set(values)];
  return rows.map(({ start, cells, exact }) => {
    const types = record<number>();
    for (const type of Object.keys(cells)) {
      const counts = cells[type]!;
      for (const value of picked) {
        if (Object.hasOwn(counts, value)) types[type] = (types[type] ?? 0) + counts[value]!;
      }
    }
    return { start, cells: types, exact };
  });
}

/** A row counted from the events of a part of a minute, which starts at `start`. */
export function eventRow<S extends Section>(
  start: number,
  events: readonly StoredEvent[],
  section: S,
): SectionRow<S> {
  const dimensions = section === "types" || section === "users" ? [] : [section];
  return { start, cells: sectionOf(cellsOf(events, dimensions), section), exact: true };
}

interface Group {
  readonly type: string;
  readonly value: string;
  count: number;
  /** By period. */
  readonly series: Float64Array;
}

class Groups {
  private readonly periods: readonly Period[] | undefined;
  private readonly byType = new Map<string, Map<string, Group>>();

  constructor(periods: readonly Period[] | undefined) {
    this.periods = periods;
  }

  /** -1 for what is in no period. */
  columnOf(instant: number): number {
    return this.periods === undefined ? 0 : assign(this.periods, instant);
  }

  add(type: string, value: string, column: number, count: number): void {
    let byValue = this.byType.get(type);
    if (byValue === undefined) this.byType.set(type, (byValue = new Map<string, Group>()));
    let group = byValue.get(value);
    if (group === undefined) {
      group = { type, value, count: 0, series: new Float64Array(this.periods?.length ?? 0) };
      byValue.set(value, group);
    }
    group.count += count;
    if (this.periods !== undefined) group.series[column]! += count;
  }

  toCounts(exact: boolean, dimension?: string): Counts {
    const groups = [...this.byType.values()].flatMap((byValue) => [...byValue.values()]);
    groups.sort(
      (a, b) => b.count - a.count || compare(a.type, b.type) || compare(a.value, b.value),
    );
    return {
      data: groups.map((group) => this.toRow(group, dimension)),
      total: groups.reduce((total, { count }) => total + count, 0),
      exact,
    };
  }

  private toRow({ type, value, count, series }: Group, dimension: string | undefined): CountRow {
    return {
      type,
      ...(dimension !== undefined && { [dimension]: value }),
      count,
      ...(this.periods !== undefined && {
        series: this.periods.map(({ time }, i) => ({ time, count: series[i]! })),
      }),
    };
  }
}

/** By code unit, so that the order does not depend on where it is made. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
