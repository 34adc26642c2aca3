import type { Period } from "../counting/calendar.ts";
import { isCut, OTHER, type ValueCounts, type SectionRow } from "../counting/cells.ts";
import type { CountsQuestion } from "../questions/counts.ts";
import { rowCursorOf } from "../questions/reading/cursor.ts";
import { exactness, metaRange, type OwnMeta, type AnswerMeta } from "../questions/answer-meta.ts";
import { shownValue } from "../event/shown-value.ts";
import type { QuestionReads } from "./reads.ts";
import { closedByRollups, closedRange, seriesOf } from "./range.ts";
import {
  readCovered,
  readRollups,
  type Covered,
  type SectionReading,
  readEvents,
} from "./rollup-reads.ts";
import type { Range } from "../event/filter.ts";
import { bounded, withinBudget } from "./budget.ts";
import { assign } from "../counting/cover.ts";
import { FoldOverflow } from "../questions/fold.ts";

/** A counts answer without `meta`, as the cacher keeps it. */
export interface Counted extends Omit<Counts, "rows"> {
  /** Leads to the rows that were left out; `null` where none were. */
  readonly nextCursor: string | null;
  readonly ownMeta: OwnMeta;
}

const noCounts: Counted = {
  data: [],
  total: 0,
  nextCursor: null,
  ownMeta: { exact: true, source: "rollup", rows: 0, rowsLeftOut: 0 },
};

/**
 * Answers a counts question from rollups where buckets are settled, from deltas where they are not,
 * and from events for what no bucket tells. The marks are read before the rollups, the finest grain
 * first (docs/protocol.md), so every batch that was acknowledged before the call is in the answer.
 *
 * @throws ServiceError VALIDATION where a series would have more than `maxPeriods` periods,
 * QUERY_TOO_EXPENSIVE where there would be too many points
 */
export async function answerCounts(
  reads: QuestionReads,
  question: CountsQuestion,
): Promise<Counted> {
  const range = question.page.range ?? (await rangeOf(reads, question));
  if (range === undefined) return noCounts;
  const { interval, timezone, limit, page } = question;
  const spans = interval && seriesOf("interval", { interval, timezone }, question, range);
  return bounded(async () => {
    const { table, isCut, source } = await count(reads, question, range, spans);
    const { rows, ...counts } = table.finish(limit, page.offset);
    const end = page.offset + counts.data.length;
    const rowsLeftOut = Math.max(0, rows - end);
    const because = [...(isCut ? ["other" as const] : []), ...leftOut(rowsLeftOut)];
    const ownMeta = { ...exactness(because), source, rows: counts.data.length, rowsLeftOut };
    const nextCursor = rowsLeftOut > 0 ? rowCursorOf(page, end, range) : null;
    return { ...counts, nextCursor, ownMeta: { ...ownMeta, range: metaRange(range) } };
  });
}

/**
 * Whether the question filters by one dimension and groups by another: a rollup has no counts for
 * pairs of values.
 */
export function crossesDimensions({ sources, groupBy }: CountsQuestion): boolean {
  return sources !== undefined && groupBy !== undefined && groupBy !== "source";
}

function leftOut(rows: number): readonly "rowsLeftOut"[] {
  return rows > 0 ? ["rowsLeftOut"] : [];
}

async function count(
  reads: QuestionReads,
  question: CountsQuestion,
  range: Range,
  spans: readonly Period[] | undefined,
): Promise<Pick<Covered, "isCut" | "source"> & { readonly table: CountTable }> {
  const { types, sources, groupBy } = question;
  const filter = { types, sources };
  const section = groupBy ?? (sources === undefined ? "types" : "source");
  const values = section === "source" ? sources?.map(shownValue) : undefined;
  const begin = () => new CountTable({ periods: spans, types, values, groupBy });
  const into = (table: CountTable) => (row: SectionRow<string>) => {
    if (section === "types") table.addTypes(row);
    else table.addValues(row);
  };
  const isOfEvents = section !== "types" && !reads.rolledUp.includes(section);
  if (isOfEvents || crossesDimensions(question)) {
    const table = begin();
    const columns = spans ?? [{ start: range.from, end: range.to }];
    const ranges = columns.map(({ start, end }) => ({ from: start, to: end }));
    await readEvents(reads, { columns, section, filter }, ranges, into(table));
    return { table, isCut: false, source: "events" };
  }
  const rollups = await readRollups(reads, range, section, spans);
  const reading = { ...rollups, needs: needsOther(section, types), filter };
  return withinBudget(async (budget) => {
    const table = begin();
    return { table, ...(await readCovered(reads, reading, budget, into(table))) };
  });
}

/**
 * Each row counts one type, so an answer by type always needs what a rollup sums under `(other)`.
 */
function needsOther(
  section: string,
  types: readonly string[] | undefined,
): SectionReading["needs"] {
  return (cells) => Object.hasOwn(cells, OTHER) || (section !== "types" && isCut(cells, types));
}

/** The question's range; for a series, with its open ends closed around the counted events. */
async function rangeOf(reads: QuestionReads, question: CountsQuestion): Promise<Range | undefined> {
  const { from, to, types, sources, interval } = question;
  const range = await closedRange(reads, question, types);
  const isClosed = from !== undefined && to !== undefined;
  if (range === undefined || isClosed || interval === undefined) return range;
  // Dropped days are in the range whatever their events were.
  const mayBeWider = types !== undefined && reads.store.lost(types) !== undefined;
  if (sources === undefined && !mayBeWider) return range;
  const section = sources === undefined ? "types" : "source";
  const values = sources?.map(shownValue);
  return closedByRollups(reads, { from, to }, range, {
    section,
    filter: { types, sources },
    isIn: (cells) => hasAny(cells, types, values),
    mayBeIn: needsOther(section, types),
  });
}

/** Whether cells count some of these types and values; absent: any. */
function hasAny(
  cells: ValueCounts,
  types: readonly string[] | undefined,
  values: readonly string[] | undefined,
): boolean {
  return (types ?? Object.keys(cells)).some(
    (type) =>
      Object.hasOwn(cells, type) &&
      (values?.some((value) => Object.hasOwn(cells[type]!, value)) ?? true),
  );
}

export interface CountsAnswer {
  readonly data: readonly CountRow[];
  readonly total: number;
  readonly nextCursor: string | null;
  readonly meta: AnswerMeta;
}

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
  /** Counts these types alone. */
  readonly types?: readonly string[];
  /** Counts these values of the section's dimension alone. */
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
