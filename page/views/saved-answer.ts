import { h } from "preact";
import type { Meta, QueryAnswer } from "../api/answers.ts";
import { zone } from "../frame/router.ts";
import { Chart } from "../parts/lazy-chart.ts";
import { html, type Children, type VNode } from "../parts/html.ts";
import { parameter } from "../pure/address.ts";
import { cohortTable, type Cohort, type CohortPeriod } from "../pure/cohorts.ts";
import { valueName } from "../pure/filter.ts";
import type { Path } from "../pure/flow.ts";
import { approximate, counted, number, percent, type Period } from "../pure/format.ts";
import { isInexact } from "../pure/inexact.ts";
import { isAdditive, isCounted, ofNothing } from "../pure/metric.ts";
import { coloursOf, periodsOf, seriesValues, timesOf, type Series } from "../pure/series.ts";
import { isAllTime, viewAddress, type SavedEntry } from "./saved-questions.ts";
import type { MailNumbers } from "./mail.ts";

interface Props<Answer> {
  readonly entry: SavedEntry;
  readonly answer: Answer;
}

/** The answer of a saved question as a big number, a small chart or a short list. */
export function SavedAnswer({ entry, answer }: Props<object & { readonly meta: Meta }>): VNode {
  switch (entry.kind) {
    case "run":
      return h(OfQuery, { entry, answer: answer as unknown as QueryAnswer });
    case "funnel":
      return h(OfFunnel, { entry, answer: answer as unknown as FunnelAnswer });
    case "retention":
      return h(OfRetention, { entry, answer: answer as unknown as RetentionAnswer });
    case "paths":
      return h(OfPaths, { entry, answer: answer as unknown as PathsAnswer });
    case "mail":
      return h(OfMail, { entry, answer: answer as unknown as MailAnswer });
    default:
      return h(OfCounts, { entry, answer: answer as unknown as CountsAnswer });
  }
}

function Big({ value, children }: { readonly value: string; readonly children?: Children }): VNode {
  return html`<p class="saved-tile-number">${value}</p>
    <p class="muted">${children}</p>`;
}

type Line = readonly [name: string, value: string];

function Lines({ lines }: { readonly lines: readonly Line[] }): VNode {
  if (lines.length === 0) return html`<p class="muted">No events match.</p>`;
  return html`<dl class="saved-tile-lines">
    ${lines.slice(0, 5).map(
      ([name, value]) =>
        html`<div key=${name}>
          <dt>${name}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
  </dl>`;
}

function OfQuery({ entry, answer }: Props<QueryAnswer>): VNode {
  const { dimensions, metrics, timezone } = answer.query;
  const time = dimensions.findIndex((one) => one.startsWith("time:"));
  const metric = metrics[0] ?? "count";
  const write = (value: number | null | undefined) =>
    approximate(value, isInexact(metric, [answer.meta]));
  if (time >= 0) return h(SmallChart, { entry, answer, time, timezone, write });
  if (dimensions.length === 0) {
    return h(
      Big,
      { value: write(answer.results[0]?.metrics[0] ?? ofNothing(metric)) },
      metricName(metric),
    );
  }
  const lines = answer.results.map(({ dimensions: names, metrics: values }): Line => [
    names.map((name) => valueName(name ?? "")).join(", "),
    write(values[0]),
  ]);
  return h(Lines, { lines });
}

function metricName(metric: string): string {
  if (metric === "count") return "events";
  return metric === "uniques" ? "users" : metric.replace(":", " of ");
}

const mostLines = 6;

function SmallChart({
  entry,
  answer,
  time,
  timezone,
  write,
}: Props<QueryAnswer> & {
  readonly time: number;
  readonly timezone: string;
  readonly write: (value: number | null) => string;
}): VNode {
  const per = answer.query.dimensions[time]!.slice("time:".length) as Period;
  const times = timesOf(answer, time);
  const name = answer.query.dimensions.findIndex((_, index) => index !== time);
  const values = seriesValues(answer.results, times, { name: name < 0 ? undefined : name, time });
  const highest = (of: readonly (number | null)[]) => Math.max(...of.map((value) => value ?? 0));
  const shown = [...values]
    .toSorted(([, one], [, other]) => highest(other) - highest(one))
    .slice(0, mostLines);
  const colours = coloursOf(shown.map(([id]) => id));
  const series = shown.map(([id, of]): Series => ({
    id,
    name: id === "" ? entry.name : valueName(id),
    colour: colours.get(id) ?? "s0",
    values: of,
  }));
  if (series.length === 0) return html`<p class="muted">No events match.</p>`;
  const metric = answer.query.metrics[0] ?? "count";
  return html`${h(Chart, {
    periods: periodsOf(times, per, {
      range: isAllTime(entry) ? undefined : answer.query.range,
      asOf: answer.meta.asOf,
      zone: timezone,
    }),
    series,
    shape: entry.view?.shape === "bars" ? "bars" : "lines",
    isStacked: isAdditive(metric),
    isCount: isCounted(metric),
    height: 120,
    write,
    partText: () => `Not all of this ${per} is in the answer.`,
  })}
  ${
    series.length > 1 &&
    html`<p class="saved-tile-keys">
      ${series.map(
        ({ id, name: text, colour }) =>
          html`<span key=${id}
            ><span class="saved-tile-key" style=${{ background: `var(--${colour})` }}></span
            >${text}</span
          >`,
      )}
      ${values.size > mostLines && html`<span>and ${number(values.size - mostLines)} more</span>`}
    </p>`
  }`;
}

interface FunnelAnswer {
  readonly steps: readonly {
    readonly type: string;
    readonly users: number;
    readonly conversion: number;
  }[];
}

function OfFunnel({ answer: { steps } }: Props<FunnelAnswer>): VNode {
  const [first, last] = [steps[0]!, steps.at(-1)!];
  return h(
    Big,
    { value: percent(last.conversion) },
    `get from ${first.type} to ${last.type}: ${number(last.users)} of ${number(first.users)}`,
  );
}

interface RetentionAnswer {
  readonly cohorts: readonly Cohort[];
  readonly meta: Meta;
}

function OfRetention({ entry, answer: { cohorts, meta } }: Props<RetentionAnswer>): VNode {
  const address = viewAddress(entry);
  const per = periodBetween(cohorts);
  const own = address === undefined ? undefined : parameter(address, "tz");
  const table = cohortTable(cohorts, {
    per,
    zone: own ?? zone.value,
    asOf: meta.asOf,
    range: isAllTime(entry) ? undefined : meta.range,
  });
  const next = table.all[1];
  if (next === undefined) return html`<p class="muted">No ${per} after the first is over yet.</p>`;
  return h(
    Big,
    { value: percent(next.share) },
    `come back one ${per} later: ${number(next.returned)} of ${number(next.size)}`,
  );
}

function periodBetween([first, second]: readonly Cohort[]): CohortPeriod {
  if (first === undefined || second === undefined) return "day";
  const days = (Date.parse(second.start) - Date.parse(first.start)) / 86_400_000;
  return days > 20 ? "month" : days > 2 ? "week" : "day";
}

interface PathsAnswer {
  readonly paths: readonly Path[];
}

function OfPaths({ answer: { paths } }: Props<PathsAnswer>): VNode {
  const lines = paths
    .slice(0, 4)
    .map(({ types, count }): Line => [
      types.length === 0 ? "(end)" : types.join(" › "),
      number(count),
    ]);
  return h(Lines, { lines });
}

interface MailAnswer {
  readonly total: MailNumbers;
}

function OfMail({ answer: { total } }: Props<MailAnswer>): VNode {
  const { rates, sent } = total;
  return h(Lines, {
    lines: [
      ["Sent", number(sent)],
      ["Delivered", percent(rates.delivery)],
      ["Opened", `${percent(rates.open)} to ${percent(rates.openWithMachines)}`],
      ["Clicked", percent(rates.click)],
    ],
  });
}

interface CountsAnswer {
  readonly total: number;
  readonly data: readonly { readonly type: string; readonly count: number }[];
}

function OfCounts({ answer: { total, data } }: Props<CountsAnswer>): VNode {
  return h(Big, { value: number(total) }, `events of ${counted(data.length, "row")}`);
}
