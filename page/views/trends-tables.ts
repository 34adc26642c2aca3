import { h } from "preact";
import { change } from "../frame/router.ts";
import { Waiting } from "../parts/card.ts";
import { html, type VNode } from "../parts/html.ts";
import { readSort, Table, writeSort, type Column } from "../parts/table.ts";
import type { CsvTable } from "../parts/tools.ts";
import { propertyHead } from "../pure/filter.ts";
import * as format from "../pure/format.ts";
import { directionOf, isCounted, metricName } from "../pure/metric.ts";
import { nameOf } from "../pure/series.ts";
import type { TrendRow, TrendsAnswer } from "./trends-answer.ts";
import type { TrendsQuestion } from "./trends-question.ts";

/** The totals of each row: the chart's legend, with the same numbers. */
export function SummaryTable({
  question,
  trends,
  focused,
  onFocus,
}: {
  readonly question: TrendsQuestion;
  readonly trends: TrendsAnswer;
  readonly focused: string | undefined;
  readonly onFocus: (id: string | undefined) => void;
}): VNode {
  const { metric, by, hidden } = question;
  const { inexact } = trends;
  const drawn = new Set(trends.series.map(({ id }) => id));
  const colour = (row: TrendRow) => trends.series.find(({ id }) => id === row.id)?.colour ?? "s0";
  const columns: readonly Column<TrendRow>[] = [
    {
      id: "name",
      name: by === undefined ? "Type" : propertyHead(by),
      by: (row) => row.name.toLowerCase(),
      cell: (row) =>
        drawn.has(row.id)
          ? html`<button
              type="button"
              class="legend"
              aria-pressed=${hidden.includes(row.id) ? "false" : "true"}
              title=${hidden.includes(row.id) ? "Show its line" : "Hide its line"}
              onClick=${() => toggleHidden(hidden, row.id)}
            >
              <i class=${`key ${hidden.includes(row.id) ? "off" : colour(row)}`}></i>${row.name}
            </button>`
          : html`<span class="legend"><i class="key none"></i>${row.name}</span>`,
    },
    {
      id: "total",
      name: metricName(metric),
      isNumber: true,
      by: (row) => row.total,
      cell: (row) => format.approximate(row.total, inexact.totals),
    },
    ...(trends.hasBefore
      ? ([
          {
            id: "before",
            name: "Before",
            isNumber: true,
            className: "wide-only",
            by: (row: TrendRow) => row.before ?? null,
            cell: (row: TrendRow) => format.approximate(row.before, inexact.before),
          },
          {
            id: "change",
            name: "Change",
            isNumber: true,
            cell: (row: TrendRow) =>
              h(Change, {
                row: { ...row, before: comparable(row.before, inexact.before) },
                by,
                isCount: isCounted(metric),
              }),
          },
        ] as const)
      : []),
  ];
  return h(Table<TrendRow>, {
    label: "Totals",
    columns,
    rows: trends.rows,
    keyOf: ({ id }) => id,
    sort: readSort(question.sort, { column: "total", direction: "desc" }),
    onSort: (sort) => change({ sort: writeSort(sort) }, { replace: true }),
    rowProps: ({ id }) => ({
      class: hidden.includes(id) ? "is-hidden" : id === focused ? "is-focused" : "",
      onMouseEnter: () => drawn.has(id) && onFocus(id),
      onMouseLeave: () => onFocus(undefined),
      onFocusIn: () => drawn.has(id) && onFocus(id),
      onFocusOut: () => onFocus(undefined),
    }),
    ...(trends.others !== undefined &&
      trends.others > 0 && {
        foot: html`<tr>
          <th scope="row">all others</th>
          <td class="number">${format.approximate(trends.others, inexact.totals)}</td>
          ${
            trends.hasBefore &&
            html`<td class="wide-only"></td>
              <td></td>`
          }
        </tr>`,
      }),
  });
}

/** A number to compare with: where some may be missing, none is not known to be none. */
export function comparable(
  before: number | null | undefined,
  isInexact: boolean,
): number | null | undefined {
  return isInexact && before === 0 ? null : before;
}

function Change({
  row,
  by,
  isCount,
}: {
  readonly row: TrendRow;
  readonly by: string | undefined;
  readonly isCount: boolean;
}): VNode {
  const direction = by === undefined ? directionOf(row.id, row.total, row.before ?? null) : 0;
  const text = format.change(row.total, row.before, isCount);
  if (direction === 0) return html`${text}`;
  const isMore = (row.total ?? 0) > (row.before ?? 0);
  return html`<span class=${direction > 0 ? "up" : "down"}>${isMore ? "↑" : "↓"} ${text}</span>`;
}

function toggleHidden(hidden: readonly string[], id: string): void {
  const to = hidden.includes(id) ? hidden.filter((one) => one !== id) : [...hidden, id];
  change({ hide: to }, { replace: true });
}

interface PeriodRow {
  readonly place: number;
  readonly time: string;
}

/** All periods of the rows that the chart draws. */
export function PeriodTable({ trends }: { readonly trends: TrendsAnswer }): VNode | null {
  const { periods, series } = trends;
  if (periods === undefined) return trends.lacksLines ? null : h(Waiting, { rows: 8 });
  const rows: readonly PeriodRow[] = periods.times
    .map((time, place) => ({ time, place }))
    .toReversed();
  const columns: readonly Column<PeriodRow>[] = [
    {
      id: "period",
      name: "Period",
      cell: ({ place }) =>
        html`${nameOf(periods, place)}${periods.part.has(place) && html` <small class="muted">not all of it</small>`}`,
    },
    ...series.map((one): Column<PeriodRow> => ({
      id: one.id,
      name: one.name,
      isNumber: true,
      cell: ({ place }) =>
        periods.ahead.has(place) ? "" : format.approximate(one.values[place], trends.inexact.lines),
    })),
  ];
  return h(Table<PeriodRow>, {
    label: "All periods",
    className: "tall",
    columns,
    rows: rows.filter(({ place }) => !periods.ahead.has(place)),
    keyOf: ({ time }) => time,
  });
}

export function csvOf(
  { by, metric, shape }: TrendsQuestion,
  { rows, periods, series, hasBefore }: TrendsAnswer,
): CsvTable {
  if (shape === "table" && periods !== undefined) {
    return [
      ["time", ...series.map(({ name }) => name)],
      ...periods.times.map((time, place) => [
        time,
        ...series.map(({ values }) => (periods.ahead.has(place) ? undefined : values[place])),
      ]),
    ];
  }
  return [
    [by ?? "type", metric, ...(hasBefore ? ["before"] : [])],
    ...rows.map(({ name, total, before }) => [name, total, ...(hasBefore ? [before] : [])]),
  ];
}
