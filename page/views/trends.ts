import { h } from "preact";
import { useEffect, useState } from "preact/hooks";
import { useProperties } from "../api/catalog.ts";
import { announce } from "../parts/announce.ts";
import { Card, Waiting } from "../parts/card.ts";
import { Chart } from "../parts/lazy-chart.ts";
import { NoEvents } from "../parts/empty.ts";
import { Exactness } from "../parts/exactness.ts";
import { html, type VNode } from "../parts/html.ts";
import {
  FilterChips,
  PropertyPicker,
  Question,
  TypeChips,
  Word,
  WordPicker,
} from "../parts/question.ts";
import { comparedInstants, shownInstants } from "../parts/shown.ts";
import { usePageTitle } from "../frame/title.ts";
import {
  address,
  addressOf,
  change,
  comparison,
  filters,
  go,
  range,
  zone,
} from "../frame/router.ts";
import { filterInWords, filterOfRow, propertyName, writeFilter } from "../pure/filter.ts";
import * as format from "../pure/format.ts";
import { isAdditive, isCounted, metricName, metricsOf, metricUnit } from "../pure/metric.ts";
import { periodsFor, rangeName } from "../pure/range.ts";
import { daysOf, fixedRange } from "../pure/range.ts";
import { periodEnd } from "../pure/series.ts";
import { wallClock } from "../pure/zone.ts";
import { parameterList } from "../pure/address.ts";
import { comparable, csvOf, PeriodTable, SummaryTable } from "./trends-tables.ts";
import { trendsQuestion, type TrendsQuestion } from "./trends-question.ts";
import { useTrends, type TrendsAnswer } from "./trends-answer.ts";

const shapes = [
  { id: "line", name: "Line", icon: "lines" },
  { id: "bars", name: "Bars", icon: "bars" },
  { id: "table", name: "Table", icon: "table" },
] as const;

/** How often, by what, over time. */
export default function Trends(): VNode {
  const question = trendsQuestion(address.value, range.value);
  const words = inWords(question);
  usePageTitle(`Trends: ${words}, ${rangeName(range.value).toLowerCase()}`);
  const trends = useTrends(question);
  const { table, shown } = trends;
  useEffect(() => {
    shownInstants.value = table.answer?.meta.range ?? table.answer?.query.range;
    comparedInstants.value = comparison.value === undefined ? undefined : trends.compared;
  }, [table.answer, trends.compared, comparison.value]);
  const total = trends.total;
  useEffect(() => {
    if (total !== undefined) announce(`Trends: ${totalInWords(trends, total)}`);
  }, [total]);

  return html`${h(Sentence, { question, words, trends })}
  ${h(
    Card,
    {
      title:
        metricName(shown.metric) + (shown.by === undefined ? "" : ` by ${propertyName(shown.by)}`),
      note: total === undefined ? "" : totalInWords(trends, total),
      requests: trends.requests,
      waiting: h(Waiting, { rows: 2, height: 200 }),
      tools: {
        shapes,
        shape: question.shape,
        calls: trends.calls,
        instants: table.answer?.meta.range,
        csv: table.answer === undefined ? undefined : () => csvOf(shown, trends),
        csvName: `trends-${range.value}`,
        savable: {
          kind: "run",
          question: trends.savedQuestion,
          view: { address: location.pathname + location.search, shape: question.shape },
          suggested: `trends-${question.types[0] ?? "events"}`.replaceAll(
            /[^A-Za-z0-9._:@/+-]/g,
            "-",
          ),
          description: `${words}, ${rangeName(range.value).toLowerCase()}`,
        },
      },
      exactness: h(Exactness, {
        meta: table.answer?.meta,
        also: trends.metas.shown,
        before: trends.metas.before,
        first: cutInWords(trends),
        expectsCut: true,
      }),
    },
    table.answer !== undefined &&
      (table.answer.results.length === 0 || (shown.metric === "count" && total === 0))
      ? h(NoEvents, { again: table.again })
      : h(Shown, { question: shown, trends }),
  )}`;
}

/** What the answer lacks; `undefined` where it has all rows and all their periods. */
function cutInWords({ rows, hasMore, pointsLeftOut }: TrendsAnswer): string | undefined {
  const cut = [
    ...(hasMore ? [`First ${rows.length} values, there are more`] : []),
    ...(pointsLeftOut > 0
      ? [`Left out of the chart: ${format.counted(pointsLeftOut, "value")}`]
      : []),
  ];
  return cut.length === 0 ? undefined : cut.join(" · ");
}

function inWords({ types, metric, by }: TrendsQuestion): string {
  const what = types.length === 0 ? "all events" : types.join(", ");
  const how = metric === "count" ? what : `${metricName(metric).toLowerCase()} of ${what}`;
  const where = filters.value.map(filterInWords).join(", ");
  return `${how}${where === "" ? "" : ` where ${where}`}${by === undefined ? "" : ` by ${propertyName(by)}`}`;
}

/** "159,029 events", where it is compared with the change from before. */
function totalInWords(
  { shown, inexact, before }: TrendsAnswer,
  total: number | null,
  isCompared = true,
): string {
  const unit = metricUnit(shown.metric);
  const text = `${format.approximate(total, inexact.totals)}${unit === "" ? "" : ` ${unit}`}`;
  const known = comparable(before, inexact.before);
  if (known === undefined || known === null || !isCompared) return text;
  // Of a sum or an average there are not "twice as many".
  const more = isCounted(shown.metric)
    ? format.changeInWords(total, known)
    : format.change(total, known, false);
  return more === "" || more === format.notKnown ? text : `${text}, ${more}`;
}

const periodNames = { minute: "minute", hour: "hour", day: "day", week: "week", month: "month" };

function Sentence({
  question,
  words,
  trends,
}: {
  readonly question: TrendsQuestion;
  readonly words: string;
  readonly trends: TrendsAnswer;
}): VNode {
  const { total } = trends;
  const { types, metric, by, per } = question;
  const { entries } = useProperties(types);
  const numbers = entries
    .filter(({ kinds }) => kinds.includes("number"))
    .map(({ property }) => property);
  const metrics = metricsOf(numbers).includes(metric)
    ? metricsOf(numbers)
    : [...metricsOf(numbers), metric];
  const instants = shownInstants.value;
  const days = instants === undefined ? 30 : daysOf(instants, zone.value);
  return h(
    Question,
    {
      words: `${words} per ${per}`,
      shows: total === undefined ? "Show" : `Show ${totalInWords(trends, total, false)}`,
    },
    html`${h(WordPicker, {
        title: "Metric",
        value: metric,
        choices: metrics.map((id) => ({ id, name: metricName(id), also: id })),
        onPick: (id) => change({ m: id === "count" ? undefined : id }),
      })}
      ${h(Word, { text: "of" })}
      ${h(TypeChips, { types, onChange: (to) => change({ type: to, hide: undefined }) })}
      ${h(Word, { text: "where" })} ${h(FilterChips, { types })} ${h(Word, { text: "by" })}
      ${h(PropertyPicker, {
        types,
        value: by,
        nothing: "type",
        onPick: (property) => change({ by: property, hide: undefined, sort: undefined }),
      })}
      ${h(Word, { text: "per" })}
      ${h(WordPicker, {
        title: "Period",
        value: per,
        choices: [...new Set([...periodsFor(days), per])].map((id) => ({
          id,
          name: periodNames[id],
        })),
        onPick: (id) => change({ per: id }),
      })}
      <label class="check whole"
        ><input
          type="checkbox"
          checked=${question.onlyWhole}
          onChange=${() => change({ whole: question.onlyWhole ? undefined : "1" }, { replace: true })}
        /><span>Only whole periods</span></label
      >`,
  );
}

function Shown({
  question,
  trends,
}: {
  readonly question: TrendsQuestion;
  readonly trends: TrendsAnswer;
}): VNode {
  const [focused, setFocused] = useState<string | undefined>();
  const isWide = useWidth() >= 720;
  if (question.shape === "table") return h(PeriodTable, { trends });
  const { periods, series } = trends;
  return html`${
    periods === undefined
      ? !trends.lacksLines && h(Waiting, { rows: 2, height: 156 })
      : h(Chart, {
          periods,
          series: series.filter(({ id }) => !question.hidden.includes(id)),
          shape: question.shape === "bars" && periods.times.length <= 60 ? "bars" : "lines",
          isStacked: isAdditive(question.metric),
          isCount: isCounted(question.metric),
          height: isWide ? 340 : 320,
          endLabels: isWide && series.length > 1,
          focused,
          write: (value) => format.approximate(value, trends.inexact.lines),
          partText: (place) => partText(trends, place),
          knownFrom: trends.knownFrom,
          onOpen: (place, id) => openEvents(question, trends, place, id),
          onSelect: (from, to) => selectRange(trends, from, to),
        })
  }
  ${
    question.shape === "bars" &&
    periods !== undefined &&
    periods.times.length > 60 &&
    html`<p class="hint">More than 60 periods are drawn as lines.</p>`
  }
  ${noDataText(trends)} ${h(SummaryTable, { question, trends, focused, onFocus: setFocused })}`;
}

/** The text of the chart's grey area. */
function noDataText({ knownFrom, firstEvent, periods }: TrendsAnswer): VNode | null {
  if (knownFrom === 0 || firstEvent === undefined || periods === undefined) return null;
  return html`<p class="hint no-data">
    <i class="no-data-key" aria-hidden="true"></i>No data before
    ${" "}${format.dayShort(wallClock(firstEvent, zone.value), periods.times.at(-1))}
  </p>`;
}

/** "This day is not over: as of 26 Nov, 14:24", or that the range has not all of it. */
function partText({ table, periods }: TrendsAnswer, place: number): string {
  const { times, per } = periods!;
  const asOf = Date.parse(table.answer!.meta.asOf);
  if (periodEnd(times[place]!, per, zone.value) <= asOf)
    return `The range has only a part of this ${per}.`;
  const wall = wallClock(asOf, zone.value);
  return `This ${per} is not over: as of ${format.dayShort(wall)}, ${format.clockParts(wall).time}.`;
}

function openEvents(
  question: TrendsQuestion,
  { periods }: TrendsAnswer,
  place: number,
  id: string,
): void {
  const start = periods?.times[place];
  if (periods === undefined || start === undefined) return;
  const end = new Date(periodEnd(start, periods.per, zone.value)).toISOString();
  const period = fixedRange({ from: new Date(start).toISOString(), to: end }, zone.value);
  const types = question.by === undefined ? [id] : question.types;
  const row = question.by === undefined ? [] : [writeFilter(filterOfRow(question.by, id))];
  go(
    addressOf("events", {
      type: types,
      range: period,
      f: [...parameterList(address.value, "f"), ...row],
      cmp: undefined,
    }),
  );
}

function selectRange({ periods }: TrendsAnswer, from: number, to: number): void {
  const [first, last] = [periods?.times[from], periods?.times[to]];
  if (periods === undefined || first === undefined || last === undefined) return;
  const end = new Date(periodEnd(last, periods.per, zone.value)).toISOString();
  change({
    range: fixedRange({ from: new Date(first).toISOString(), to: end }, zone.value),
    per: undefined,
  });
}

function useWidth(): number {
  const [width, setWidth] = useState(innerWidth);
  useEffect(() => {
    const sized = () => setWidth(innerWidth);
    addEventListener("resize", sized);
    return () => removeEventListener("resize", sized);
  }, []);
  return width;
}
