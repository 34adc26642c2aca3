import type { QueryAnswer } from "../api/answers.ts";
import type { Call } from "../api/client.ts";
import { useFirstEvent } from "../api/catalog.ts";
import { useAnswer, type AnswerState } from "../api/use-answer.ts";
import { readSort, sortedRows, type Column } from "../parts/table.ts";
import { comparison, filters, range, zone } from "../frame/router.ts";
import { bodyFilters, valueName, type BodyFilter } from "../pure/filter.ts";
import { bodyRange, comparedDays, shiftedInstants, type Instants } from "../pure/range.ts";
import {
  coloursOf,
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
  /** Events of no shown row; only where rows cannot overlap. */
  readonly others: number | undefined;
  readonly periods: Periods | undefined;
  readonly series: readonly Series[];
  /** The instant of the project's first event, in epoch milliseconds. */
  readonly firstEvent: number | undefined;
  /** The project has no event before this place. */
  readonly knownFrom: number;
}

const mostRows = 51;
const mostLines = 6;

/**
 * Asks two questions: each row in total, then the first six rows by period. A row's total is the
 * API's own, since users and averages of periods do not add up. With a comparison by weekdays or by
 * year both are repeated for the other range.
 */
export function useTrends(question: TrendsQuestion): TrendsAnswer {
  const { types, metric, by, per } = question;
  const dimension = by ?? "type";
  const kind = comparison.value;
  const comparesItself = kind === "previous";
  const body = (at: unknown, more: readonly BodyFilter[] = []) => ({
    metrics: [metric],
    filters: bodyFilters(filters.value, types, more),
    range: at,
    timezone: zone.value,
  });
  const chosenRange = bodyRange(range.value, zone.value);
  const totals = (at: unknown, compares: boolean): Call => ({
    path: "/api/v1/query",
    body: {
      ...body(at),
      dimensions: [dimension],
      orderBy: [[metric, "desc"]],
      limit: mostRows,
      include: ["totals"],
      ...(compares && { compare: "previous_period" }),
    },
  });
  const table = useAnswer<QueryAnswer>(totals(chosenRange, comparesItself));
  const instants = table.answer?.meta.range ?? table.answer?.query.range;
  const shift =
    kind === undefined || instants === undefined
      ? undefined
      : comparedDays(kind, instants, zone.value);
  const other = shift === undefined ? undefined : shiftedInstants(instants!, zone.value, shift);
  const otherTable = useAnswer<QueryAnswer>(other === undefined ? undefined : totals(other, false));

  const beforeOf = new Map(
    otherTable.answer?.results.map(({ dimensions, metrics }) => [
      dimensions[0],
      metrics[0] ?? null,
    ]),
  );
  const hasBefore = comparesItself || (kind !== undefined && otherTable.answer !== undefined);
  const rows: readonly TrendRow[] = (table.answer?.results ?? [])
    .filter(({ dimensions }) => dimensions[0] !== null)
    .map(({ dimensions, metrics, previous }) => {
      const id = dimensions[0]!;
      return {
        id,
        name: valueName(id),
        total: metrics[0] ?? null,
        before: comparesItself
          ? previous?.[0]
          : other === undefined
            ? undefined
            : (beforeOf.get(id) ?? 0),
      };
    });
  const sorted = sortedRows(
    rows,
    sortColumns,
    readSort(question.sort, { column: "total", direction: "desc" }),
  );
  const first = sorted.slice(0, mostLines).map(({ id }) => id);

  const bySeries = (at: unknown, compares: boolean): Call | undefined =>
    first.length === 0
      ? undefined
      : {
          path: "/api/v1/query",
          body: {
            ...body(at, [["shown_as", dimension, first]]),
            dimensions: [dimension, `time:${per}`],
            limit: 10_000,
            ...(compares && { compare: "previous_period" }),
          },
        };
  const lines = useAnswer<QueryAnswer>(bySeries(chosenRange, comparesItself));
  const otherLines = useAnswer<QueryAnswer>(
    other === undefined ? undefined : bySeries(other, false),
  );
  const drawn = drawnOf(question, first, lines.answer, otherLines.answer, comparesItself);
  const firstEvent = useFirstEvent();
  const total = table.answer?.totals?.[0];
  // Without rows no lines are needed.
  const isEmpty = table.answer !== undefined && first.length === 0;
  const others = other === undefined ? [] : isEmpty ? [otherTable] : [otherTable, otherLines];
  return {
    table,
    requests: [table, ...(isEmpty ? [] : [lines]), ...others],
    calls: [totals(chosenRange, comparesItself), bySeries(chosenRange, comparesItself)].filter(
      (call) => call !== undefined,
    ),
    savedQuestion: {
      ...body(chosenRange),
      dimensions:
        by === undefined && types.length === 1 ? [`time:${per}`] : [dimension, `time:${per}`],
    },
    total,
    before: comparesItself ? table.answer?.previousTotals?.[0] : otherTable.answer?.totals?.[0],
    hasBefore,
    compared: other ?? table.answer?.meta.comparedRange,
    rows: sorted,
    others: othersOf(question, rows, total),
    ...drawn,
    firstEvent,
    knownFrom:
      drawn.periods === undefined || firstEvent === undefined
        ? 0
        : firstKnown(drawn.periods, firstEvent, zone.value),
  };
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
  return rows.slice(0, 50).reduce((left, row) => left - (row.total ?? 0), total);
}

function drawnOf(
  { per, onlyWhole }: TrendsQuestion,
  first: readonly string[],
  answer: QueryAnswer | undefined,
  other: QueryAnswer | undefined,
  comparesItself: boolean,
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
  const values = seriesValues(answer.results, all.times, { name: 0, time: 1 });
  const before = comparesItself
    ? seriesValues(
        answer.results.map((row) => ({ ...row, metrics: row.previous ?? [null] })),
        all.times,
        { name: 0, time: 1 },
      )
    : other === undefined
      ? undefined
      : seriesValues(other.results, timesOf(other, 1), { name: 0, time: 1 });
  const colours = coloursOf(first);
  const series = first
    .filter((id) => values.has(id))
    .map((id) => ({
      id,
      name: valueName(id),
      colour: colours.get(id)!,
      values: pick(values.get(id)!),
      previous:
        before === undefined
          ? undefined
          : pick([...(before.get(id) ?? []), ...all.times.map(() => null)]),
    }));
  return { periods, series };
}
