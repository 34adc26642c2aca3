import type { QueryAnswer } from "../api/answers.ts";
import { ask, type Call } from "../api/client.ts";
import { useFirstEvent } from "../api/catalog.ts";
import { currentAnswer, useAnswer, type AnswerState } from "../api/use-answer.ts";
import { readSort, sortedRows, type Column } from "../parts/table.ts";
import { comparison, filters, range, zone } from "../frame/router.ts";
import { allRows, pageRows } from "../pure/all-rows.ts";
import { comparedDays, shiftedInstants } from "../pure/compared-range.ts";
import { bodyFilters, valueName } from "../pure/filter.ts";
import { ofNothing } from "../pure/metric.ts";
import { bodyRange, type Instants } from "../pure/range.ts";
import {
  coloursOf,
  counterparts,
  firstKnown,
  periodsOf,
  seriesValues,
  timesOf,
  type Periods,
  type Series,
} from "../pure/series.ts";
import type { TrendsQuestion } from "./trends-question.ts";

export interface TrendRow {
  /** The row's value, as the answer shows it. */
  readonly id: string;
  readonly name: string;
  readonly total: number | null;
  readonly before: number | null | undefined;
}

export interface TrendsAnswer {
  readonly table: AnswerState<QueryAnswer>;
  readonly requests: readonly AnswerState<QueryAnswer>[];
  readonly calls: readonly Call[];
  readonly savedQuestion: unknown;
  readonly total: number | null | undefined;
  readonly before: number | null | undefined;
  readonly hasBefore: boolean;
  readonly compared: Instants | undefined;
  readonly rows: readonly TrendRow[];
  /** There are more rows than these. */
  readonly hasMore: boolean;
  /** How many values the lines lack. */
  readonly pointsLeftOut: number;
  /** Events of no shown row; only where rows cannot overlap. */
  readonly others: number | undefined;
  readonly periods: Periods | undefined;
  readonly series: readonly Series[];
  /** The instant of the project's first event, in epoch milliseconds. */
  readonly firstEvent: number | undefined;
  /** The project has no event before this place. */
  readonly knownFrom: number;
}

const mostRows = 50;
const mostLines = 6;

/** The calls of a question; all have its metric, its filters and the zone. */
function callsOf({ types, metric, by, per }: TrendsQuestion) {
  const dimension = by ?? "type";
  const body = (range: unknown, ids?: readonly string[]) => ({
    metrics: [metric],
    filters: bodyFilters(
      filters.value,
      types,
      ids === undefined ? [] : [["shown_as", dimension, ids]],
    ),
    range,
    timezone: zone.value,
  });
  const call = (of: object, compares = false): Call => ({
    path: "/api/v1/query",
    body: { ...of, ...(compares && { compare: "previous_period" }) },
  });
  const columns = [dimension, `time:${per}`];
  return {
    saved: {
      ...body(bodyRange(range.value, zone.value)),
      dimensions: by === undefined && types.length === 1 ? columns.slice(1) : columns,
      limit: pageRows,
    },
    /** The largest rows, one more than are shown, and all events together. */
    table: (at: unknown, compares: boolean) =>
      call(
        {
          ...body(at),
          dimensions: [dimension],
          orderBy: [[metric, "desc"]],
          limit: mostRows + 1,
          include: ["totals"],
        },
        compares,
      ),
    total: (at: unknown) => call({ ...body(at), include: ["totals"] }),
    rows: (at: unknown, ids: readonly string[]) =>
      call({ ...body(at, ids), dimensions: [dimension], limit: pageRows }),
    lines: (at: unknown, ids: readonly string[], compares: boolean) =>
      call({ ...body(at, ids), dimensions: columns, limit: pageRows }, compares),
  };
}

function askAllRows(call: Call, signal: AbortSignal): Promise<QueryAnswer> {
  return allRows(call.body as object, (body) => ask({ ...call, body }, signal));
}

/** The range of a comparison by weekdays or by year, and how many days it is before. */
interface OtherRange extends Instants {
  readonly days: number;
}

function otherRange(instants: Instants | undefined): OtherRange | undefined {
  const kind = comparison.value;
  if (kind === undefined || instants === undefined) return undefined;
  const days = comparedDays(kind, instants, zone.value);
  if (days === undefined) return undefined;
  return { ...shiftedInstants(instants, zone.value, days), days };
}

interface Before {
  readonly requests: readonly AnswerState<QueryAnswer>[];
  /** Whether the other range was ever answered. */
  readonly isKnown: boolean;
  readonly total: number | null | undefined;
  /** A row's number: of one without events in the other range that of no events. */
  readonly of: (id: string) => number | null | undefined;
}

/** Asks the other range for the same rows, and for all its events together. */
function useBefore(
  metric: string,
  ids: readonly string[],
  calls: ReturnType<typeof callsOf>,
  other: Instants | undefined,
): Before {
  const at = other && { from: other.from, to: other.to };
  const totalCall = at && calls.total(at);
  const rowsCall = at === undefined || ids.length === 0 ? undefined : calls.rows(at, ids);
  const total = useAnswer<QueryAnswer>(totalCall);
  const rows = useAnswer<QueryAnswer>(rowsCall);
  const found = currentAnswer(rows, rowsCall)?.results;
  const numbers = new Map(found?.map((row) => [row.dimensions[0], row.metrics[0] ?? null]));
  return {
    requests: at === undefined ? [] : rowsCall === undefined ? [total] : [total, rows],
    isKnown: at !== undefined && total.answer !== undefined,
    total: currentAnswer(total, totalCall)?.totals?.[0],
    of: (id) => (numbers.has(id) ? numbers.get(id) : found && ofNothing(metric)),
  };
}

/**
 * Asks two questions: each row in total, then the first six rows by period. A row's total is the
 * API's own, since users and averages of periods do not add up. With a comparison by weekdays or by
 * year both are repeated for the other range, of the same rows.
 */
export function useTrends(question: TrendsQuestion): TrendsAnswer {
  const { metric } = question;
  const calls = callsOf(question);
  const comparesItself = comparison.value === "previous";
  const chosen = bodyRange(range.value, zone.value);
  const table = useAnswer<QueryAnswer>(calls.table(chosen, comparesItself));
  const other = otherRange(table.answer?.meta.range ?? table.answer?.query.range);
  const found = table.answer?.results.slice(0, mostRows) ?? [];
  const ids = found.map(({ dimensions }) => dimensions[0]!);
  const before = useBefore(metric, ids, calls, other);
  const rows = found.map(({ metrics, previous }, index): TrendRow => {
    const id = ids[index]!;
    return {
      id,
      name: valueName(id),
      total: metrics[0] ?? null,
      before: comparesItself ? previous?.[0] : before.of(id),
    };
  });
  const sorted = sortedRows(
    rows,
    sortColumns,
    readSort(question.sort, { column: "total", direction: "desc" }),
  );
  const first = sorted.slice(0, mostLines).map(({ id }) => id);

  const linesCall = first.length === 0 ? undefined : calls.lines(chosen, first, comparesItself);
  const otherCall =
    other === undefined || first.length === 0
      ? undefined
      : calls.lines({ from: other.from, to: other.to }, first, false);
  const lines = useAnswer<QueryAnswer>(linesCall, undefined, askAllRows);
  const otherLines = useAnswer<QueryAnswer>(otherCall, undefined, askAllRows);
  const drawn = drawnOf(question, first, lines.answer, {
    comparesItself,
    answer: currentAnswer(otherLines, otherCall),
    days: other?.days ?? 0,
    absent: ofNothing(metric),
  });
  const firstEvent = useFirstEvent();
  const total = table.answer?.totals?.[0];
  // Without rows no lines are needed.
  const isEmpty = table.answer !== undefined && first.length === 0;
  const ofOther =
    other === undefined || isEmpty ? before.requests : [...before.requests, otherLines];
  return {
    table,
    requests: [table, ...(isEmpty ? [] : [lines]), ...ofOther],
    calls: [calls.table(chosen, comparesItself), linesCall].filter((call) => call !== undefined),
    savedQuestion: calls.saved,
    total,
    before: comparesItself ? table.answer?.previousTotals?.[0] : before.total,
    hasBefore: comparesItself || before.isKnown,
    compared: other ?? table.answer?.meta.comparedRange,
    rows: sorted,
    hasMore: (table.answer?.results.length ?? 0) > mostRows,
    pointsLeftOut: leftOut(lines.answer) + leftOut(currentAnswer(otherLines, otherCall)),
    others: othersOf(question, rows, total),
    ...drawn,
    firstEvent,
    knownFrom:
      drawn.periods === undefined || firstEvent === undefined
        ? 0
        : firstKnown(drawn.periods, firstEvent, zone.value),
  };
}

function leftOut(answer: QueryAnswer | undefined): number {
  return answer?.meta.rowsLeftOut ?? 0;
}

const sortColumns: readonly Column<TrendRow>[] = [
  { id: "name", name: "", cell: () => "", by: ({ name }) => name.toLowerCase() },
  { id: "total", name: "", cell: () => "", by: ({ total }) => total },
  { id: "before", name: "", cell: () => "", by: ({ before }) => before ?? null },
];

/** The events beyond the shown rows: counts that do not overlap may be subtracted. */
function othersOf(
  { metric, by }: TrendsQuestion,
  rows: readonly TrendRow[],
  total: number | null | undefined,
): number | undefined {
  if (metric !== "count" || by?.includes("[]") === true || typeof total !== "number")
    return undefined;
  return rows.reduce((left, row) => left - (row.total ?? 0), total);
}

/** What lines are compared with. */
interface OtherLines {
  /** Each row of the answer has its own number of the period before. */
  readonly comparesItself: boolean;
  readonly answer: QueryAnswer | undefined;
  /** How many days the other range is before. */
  readonly days: number;
  /** The number of a line without events in the other range. */
  readonly absent: number | null;
}

type Values = ReadonlyMap<string, readonly (number | null)[]>;
const columnsOfLines = { name: 0, time: 1 };

function drawnOf(
  { per, onlyWhole }: TrendsQuestion,
  first: readonly string[],
  answer: QueryAnswer | undefined,
  other: OtherLines,
): Pick<TrendsAnswer, "periods" | "series"> {
  if (answer === undefined) return { periods: undefined, series: [] };
  const answeredPer = (answer.query.dimensions[1]?.slice(5) ?? per) as typeof per;
  const all = periodsOf(timesOf(answer, 1), answeredPer, {
    range: answer.meta.range ?? answer.query.range,
    asOf: answer.meta.asOf,
    zone: answer.query.timezone,
  });
  const places = all.times
    .map((_, place) => place)
    .filter((place) => !onlyWhole || (!all.part.has(place) && !all.ahead.has(place)));
  const pick = <Value>(values: readonly Value[]) => places.map((place) => values[place]!);
  const periods = onlyWhole
    ? { ...all, times: pick(all.times), part: new Set<number>(), ahead: new Set<number>() }
    : all;
  const values = seriesValues(answer.results, all.times, columnsOfLines);
  const before = other.comparesItself
    ? previousValues(answer, all.times)
    : other.answer && comparedValues(first, all, other.answer, other);
  const colours = coloursOf(first);
  const series = first
    .filter((id) => values.has(id))
    .map((id) => ({
      id,
      name: valueName(id),
      colour: colours.get(id)!,
      values: pick(values.get(id)!),
      previous: before && pick(before.get(id) ?? all.times.map(() => null)),
    }));
  return { periods, series };
}

function previousValues({ results }: QueryAnswer, times: readonly string[]): Values {
  const rows = results.map((row) => ({ ...row, metrics: row.previous ?? [null] }));
  return seriesValues(rows, times, columnsOfLines);
}

/** The values of the other range beside the periods of this one. */
function comparedValues(
  ids: readonly string[],
  { times, per }: Periods,
  other: QueryAnswer,
  { days, absent }: OtherLines,
): Values {
  const otherTimes = timesOf(other, 1);
  const values = seriesValues(other.results, otherTimes, columnsOfLines);
  const places = counterparts(times, otherTimes, per, days);
  const isEmpty = otherTimes.length === 0;
  return new Map(
    ids.map((id) => {
      const of = values.get(id);
      const at = (place: number) => (of === undefined ? absent : (of[place] ?? null));
      return [
        id,
        places.map((place) => (place === undefined ? (isEmpty ? absent : null) : at(place))),
      ];
    }),
  );
}
