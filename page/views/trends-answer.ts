import { useRef } from "preact/hooks";
import type { Meta, QueryAnswer } from "../api/answers.ts";
import { ask, type Call } from "../api/client.ts";
import { useFirstEvent } from "../api/catalog.ts";
import { currentAnswer, useAnswer, useAnswered, type AnswerState } from "../api/use-answer.ts";
import { readSort, sortedRows, type Column } from "../parts/table.ts";
import { comparison, filters, range, zone } from "../frame/router.ts";
import { allRows, pageRows } from "../pure/all-rows.ts";
import { comparedDays, shiftedInstants } from "../pure/compared-range.ts";
import { bodyFilters, valueName } from "../pure/filter.ts";
import type { Period } from "../pure/format.ts";
import { isInexact } from "../pure/inexact.ts";
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
  /** The question whose numbers these are: the one before while the present one has no answer. */
  readonly shown: TrendsQuestion;
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
  /** What the answers say of themselves: that of the rows first, and those about the range before. */
  readonly metas: {
    readonly shown: readonly (Meta | undefined)[];
    readonly before: readonly (Meta | undefined)[];
  };
  /** Which numbers may not be the true ones. */
  readonly inexact: { readonly totals: boolean; readonly lines: boolean; readonly before: boolean };
  /** Without lines of these rows there will be none: their call failed, or was stopped. */
  readonly lacksLines: boolean;
  /** The instant of the project's first event, in epoch milliseconds. */
  readonly firstEvent: number | undefined;
  /** The project has no event before this place. */
  readonly knownFrom: number;
}

const mostRows = 50;
const mostLines = 6;

/** What is asked, with its calls; all of them have its metric, its filters and its zone. */
function askedOf({ types, metric, by }: TrendsQuestion) {
  const dimension = by ?? "type";
  const [chosenFilters, timezone] = [filters.value, zone.value];
  const chosen = bodyRange(range.value, timezone);
  const comparesItself = comparison.value === "previous";
  const body = (range: unknown, ids?: readonly string[]) => ({
    metrics: [metric],
    filters: bodyFilters(
      chosenFilters,
      types,
      ids === undefined ? [] : [["shown_as", dimension, ids]],
    ),
    range,
    timezone,
  });
  const call = (of: object, compares = false): Call => ({
    path: "/api/v1/query",
    body: { ...of, ...(compares && { compare: "previous_period" }) },
  });
  const columns = (per: Period) => [dimension, `time:${per}`];
  const lines = (at: unknown, ids: readonly string[], per: Period) => {
    return { ...body(at, ids), dimensions: columns(per), limit: pageRows };
  };
  return {
    types,
    metric,
    by,
    /** All time has no ends, though its answer names the first and the last event. */
    hasEnds: chosen !== undefined,
    comparesItself,
    saved: (per: Period) => ({
      ...body(chosen),
      dimensions: by === undefined && types.length === 1 ? columns(per).slice(1) : columns(per),
      limit: pageRows,
    }),
    /** The largest rows, one more than are shown, and all events together. */
    table: call(
      {
        ...body(chosen),
        dimensions: [dimension],
        orderBy: [[metric, "desc"]],
        limit: mostRows + 1,
        include: ["totals"],
      },
      comparesItself,
    ),
    lines: (ids: readonly string[], per: Period) => call(lines(chosen, ids, per), comparesItself),
    totalIn: (at: Instants) => call({ ...body(at), include: ["totals"] }),
    rowsIn: (at: Instants, ids: readonly string[]) =>
      call({ ...body(at, ids), dimensions: [dimension], limit: pageRows }),
    linesIn: (at: Instants, ids: readonly string[], per: Period) => call(lines(at, ids, per)),
  };
}

type Asked = ReturnType<typeof askedOf>;

/** Whether lines and a table, or two tables, are about the same question. */
function isSame(one: Asked, other: Asked): boolean {
  return JSON.stringify(one.table) === JSON.stringify(other.table);
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
  readonly metas: readonly (Meta | undefined)[];
  /** Whether the other range was ever answered. */
  readonly isKnown: boolean;
  readonly total: number | null | undefined;
  /** A row's number: of one without events in the other range that of no events. */
  readonly of: (id: string) => number | null | undefined;
}

/** Asks the other range for the same rows, and for all its events together. */
function useBefore(asked: Asked, ids: readonly string[], other: Instants | undefined): Before {
  const at = other && { from: other.from, to: other.to };
  const totalCall = at && asked.totalIn(at);
  const rowsCall = at === undefined || ids.length === 0 ? undefined : asked.rowsIn(at, ids);
  const total = useAnswer<QueryAnswer>(totalCall);
  const rows = useAnswer<QueryAnswer>(rowsCall);
  const [all, own] = [currentAnswer(total, totalCall), currentAnswer(rows, rowsCall)];
  const found = own?.results;
  const numbers = new Map(found?.map((row) => [row.dimensions[0], row.metrics[0] ?? null]));
  return {
    requests: at === undefined ? [] : rowsCall === undefined ? [total] : [total, rows],
    metas: at === undefined ? [] : [all?.meta, own?.meta],
    isKnown: at !== undefined && total.answer !== undefined,
    total: all?.totals?.[0],
    of: (id) => (numbers.has(id) ? numbers.get(id) : found && ofNothing(asked.metric)),
  };
}

interface Lines {
  readonly request: AnswerState<QueryAnswer>;
  /** The lines of the shown rows; those before while these are under way. */
  readonly answer: QueryAnswer | undefined;
  readonly isCurrent: boolean;
  /** What cuts their periods; `undefined`: nothing. */
  readonly range: Instants | undefined;
}

/**
 * Asks for lines, which may come before the rows or after them: lines are shown with the rows of
 * their own question.
 */
function useLines(call: Call | undefined, asked: Asked, shown: Asked): Lines {
  const request = useAnswer<QueryAnswer>(call, undefined, askAllRows);
  const answered = useAnswered(request, call, asked);
  const kept = useRef<{ readonly of: Asked; readonly answer: QueryAnswer }>(undefined);
  if (request.answer !== undefined && isSame(answered, shown))
    kept.current = { of: shown, answer: request.answer };
  const isCurrent = kept.current !== undefined && isSame(kept.current.of, shown);
  const hasEnded = request.problem !== undefined || request.stopped;
  const answer = isCurrent || !hasEnded ? kept.current?.answer : undefined;
  const range = kept.current?.of.hasEnds === true ? rangeOf(answer) : undefined;
  return { request, answer, isCurrent, range };
}

/**
 * Asks two questions: each row in total, then the first six rows by period. A row's total is the
 * API's own, since users and averages of periods do not add up. With a comparison by weekdays or by
 * year both are repeated for the other range, of the same rows.
 */
export function useTrends(question: TrendsQuestion): TrendsAnswer {
  const asked = askedOf(question);
  const table = useAnswer<QueryAnswer>(asked.table);
  const shown = useAnswered(table, asked.table, asked);
  const { comparesItself } = shown;
  const other = otherRange(rangeOf(table.answer));
  const found = table.answer?.results.slice(0, mostRows) ?? [];
  const ids = found.map(({ dimensions }) => dimensions[0]!);
  const before = useBefore(shown, ids, other);
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

  // Rows of the question before are not those of another breakdown.
  const hasRows = asked.by === shown.by;
  const ofLines = hasRows ? asked : shown;
  const linesCall = first.length === 0 ? undefined : ofLines.lines(first, question.per);
  const otherCall =
    other === undefined || first.length === 0
      ? undefined
      : shown.linesIn({ from: other.from, to: other.to }, first, question.per);
  const lines = useLines(linesCall, ofLines, shown);
  const otherLines = useAnswer<QueryAnswer>(otherCall, undefined, askAllRows);
  const otherAnswer = lines.isCurrent ? currentAnswer(otherLines, otherCall) : undefined;
  const drawn = drawnOf(question, first, lines, {
    comparesItself,
    answer: otherAnswer,
    days: other?.days ?? 0,
    absent: ofNothing(shown.metric),
  });
  const hasEnded = lines.request.problem !== undefined || lines.request.stopped;
  const firstEvent = useFirstEvent();
  const total = table.answer?.totals?.[0];
  // Without rows no lines are needed.
  const isEmpty = table.answer !== undefined && first.length === 0;
  const ofOther =
    other === undefined || isEmpty ? before.requests : [...before.requests, otherLines];
  const { types, metric, by } = shown;
  const shownQuestion = { ...question, types, metric, by };
  const metas = {
    shown: [table.answer?.meta, lines.answer?.meta],
    before: [...before.metas, otherAnswer?.meta],
  };
  return {
    shown: shownQuestion,
    table,
    requests: [table, ...(isEmpty ? [] : [lines.request]), ...ofOther],
    calls: [asked.table, hasRows ? linesCall : undefined].filter((call) => call !== undefined),
    savedQuestion: asked.saved(question.per),
    total,
    before: comparesItself ? table.answer?.previousTotals?.[0] : before.total,
    hasBefore: comparesItself || before.isKnown,
    compared: other ?? table.answer?.meta.comparedRange,
    rows: sorted,
    hasMore: (table.answer?.results.length ?? 0) > mostRows,
    pointsLeftOut: leftOut(lines.answer) + leftOut(otherAnswer),
    others: othersOf(shownQuestion, rows, total),
    ...drawn,
    metas,
    inexact: {
      totals: isInexact(metric, [table.answer?.meta]),
      lines: isInexact(metric, [lines.answer?.meta]),
      before: isInexact(metric, comparesItself ? [table.answer?.meta] : metas.before),
    },
    lacksLines: lines.answer === undefined && hasEnded,
    firstEvent,
    knownFrom:
      drawn.periods === undefined || firstEvent === undefined
        ? 0
        : firstKnown(drawn.periods, firstEvent, zone.value),
  };
}

function rangeOf(answer: QueryAnswer | undefined): Instants | undefined {
  return answer?.meta.range ?? answer?.query.range;
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
  { answer, range }: Lines,
  other: OtherLines,
): Pick<TrendsAnswer, "periods" | "series"> {
  if (answer === undefined) return { periods: undefined, series: [] };
  const answeredPer = (answer.query.dimensions[1]?.slice(5) ?? per) as typeof per;
  const all = periodsOf(timesOf(answer, 1), answeredPer, {
    range,
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
