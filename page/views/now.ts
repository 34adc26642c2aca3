import { h } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { LiveFrame, QueryAnswer } from "../api/answers.ts";
import type { Call } from "../api/client.ts";
import { useAnswer, type AnswerState } from "../api/use-answer.ts";
import { useStream, type Streaming } from "../api/use-stream.ts";
import { addressOf, follow, hrefOf, zone } from "../frame/router.ts";
import { pipelineState } from "../frame/pipeline-state.ts";
import { usePageTitle } from "../frame/title.ts";
import { mention } from "../parts/announce.ts";
import { Card, Waiting } from "../parts/card.ts";
import { Chart } from "../parts/lazy-chart.ts";
import { NoEvents } from "../parts/empty.ts";
import { Exactness } from "../parts/exactness.ts";
import { html, type Children, type VNode } from "../parts/html.ts";
import { heardLast, Pipeline, pipelineSentence, stateOf, useStages } from "../parts/pipeline.ts";
import { still } from "../parts/still.ts";
import { Table, type Column } from "../parts/table.ts";
import * as format from "../pure/format.ts";
import {
  counterparts,
  nameOf,
  periodsOf,
  seriesValues,
  timesOf,
  type Periods,
  type Series,
} from "../pure/series.ts";
import { addDays, instantAt, wallClock } from "../pure/zone.ts";
import { Latest } from "./latest.ts";

const everyMs = 60_000;
/** While events come, the counts are asked again as often as this. */
const freshMs = 5_000;

/** This minute's events, and whether all of them are counted. */
export default function Now(): VNode {
  usePageTitle("Now");
  const [bars, setBars] = useState<readonly number[]>([]);
  const [frame, setFrame] = useState<LiveFrame | undefined>();
  const live = useStream("/api/v1/live", ({ event, data }) => {
    if (event === "past") setBars((JSON.parse(data) as { perSecond: readonly number[] }).perSecond);
    if (event !== "message") return;
    const next = JSON.parse(data) as LiveFrame;
    setFrame(next);
    setBars((before) => [...before.slice(-59), next.events.perSecond]);
  });
  const { stages, isCurrent } = useStages(frame?.stages, live);
  const hours = useAnswer<QueryAnswer>(hourly("today"), everyMs);
  useFresh(hours, frame);
  useEffect(() => {
    if (stages === undefined || !isCurrent) return;
    const state = stateOf(stages);
    if (pipelineState.value !== state && state === "down") mention(pipelineSentence(stages));
    pipelineState.value = state;
  }, [stages, isCurrent]);

  return html`<div class="now">
    ${h(Tiles, { frame, bars, live, hours: hours.answer })} ${h(StillToday, { hours })}
    ${h(StillLatest, {})}
    ${h(
      Card,
      {
        title: "Pipeline",
        note: stages === undefined ? "" : isCurrent ? pipelineSentence(stages) : heardLast(),
        className: "now-pipeline",
      },
      stages === undefined ? h(Waiting, { rows: 1, height: 92 }) : h(Pipeline, { stages }),
    )}
  </div>`;
}

// The parts that the stream's frames do not change are not rendered each second.
const StillToday = still(Today);
const StillLatest = still(Latest);

/**
 * Asks for the counts again when events were stored that they may lack: at once after a quiet time,
 * else every few seconds.
 */
function useFresh(hours: AnswerState<QueryAnswer>, frame: LiveFrame | undefined): void {
  const storedAt = useRef(0);
  const askedAt = useRef(0);
  useEffect(() => {
    if (frame === undefined) return;
    if (frame.events.perSecond > 0) storedAt.current = Date.parse(frame.time);
    const { answer, pendingSince, problem, stopped } = hours;
    askedAt.current = pendingSince ?? askedAt.current;
    if (answer === undefined || pendingSince !== undefined || problem !== undefined || stopped)
      return;
    const isDue = Date.parse(answer.meta.asOf) < storedAt.current;
    if (isDue && Date.now() - askedAt.current >= freshMs) hours.again();
  }, [frame]);
}

/** A count of today, and the call that counts yesterday up to the same time of the clock. */
interface Compared {
  /** The minute and the zone of the count. */
  readonly at: string;
  readonly count: number;
  readonly call: Call | undefined;
}

function comparedWith({ meta, query, totals }: QueryAnswer, before: Compared | undefined) {
  const { timezone } = query;
  const wall = wallClock(Date.parse(meta.asOf), timezone);
  const at = `${wall.slice(0, 16)} ${timezone}`;
  if (before?.at === at && before.count > 0) return before;
  const day = wallClock(Date.parse(meta.range?.from ?? query.range.from), timezone).slice(0, 10);
  const yesterday = addDays(day, -1);
  const from = instantAt(yesterday, timezone);
  const to = instantAt(`${yesterday}${wall.slice(10)}`, timezone);
  // Where counting stopped yesterday, nothing of today can be compared.
  const isToday = wall.slice(0, 10) === day && to > from;
  const range = { from: new Date(from).toISOString(), to: new Date(to).toISOString() };
  const body = { metrics: ["count"], range, timezone };
  const call = isToday ? { path: "/api/v1/query", body } : undefined;
  return { at, count: totals?.[0] ?? 0, call } satisfies Compared;
}

/** "5.2 % more than yesterday by now": renewed each minute, both counts up to the same time. */
function useTodayLine(hours: QueryAnswer | undefined): string {
  const kept = useRef<Compared | undefined>(undefined);
  if (hours !== undefined) kept.current = comparedWith(hours, kept.current);
  const { answer, answeredCall } = useAnswer<QueryAnswer>(kept.current?.call);
  const [line, setLine] = useState("");
  useEffect(() => {
    const { count, call } = kept.current ?? {};
    const then = answer?.results[0]?.metrics[0];
    if (count === undefined || then == null) return;
    if (JSON.stringify(answeredCall) === JSON.stringify(call))
      setLine(comparedInWords(count, then));
  }, [answer]);
  return line;
}

function Tiles({
  frame,
  bars,
  live,
  hours,
}: {
  readonly frame: LiveFrame | undefined;
  readonly bars: readonly number[];
  readonly live: Streaming;
  readonly hours: QueryAnswer | undefined;
}): VNode {
  const todayLine = useTodayLine(hours);
  const users = frame?.activeUsers;
  const missing =
    live.problem?.status === 403 ? "This key may not watch live: it needs live:read." : "";
  const lagMs = frame?.lagMs ?? hours?.meta.lagMs;
  return html`<div class="tiles">
    ${h(
      Tile,
      {
        label: "Events a second",
        value: frame === undefined ? undefined : format.number(frame.events.perSecond),
        line: missing || typesLine(frame),
      },
      h(Bars, { values: bars }),
    )}
    ${h(Tile, {
      label: "Active users",
      value:
        users === undefined ? undefined : format.approximate(users?.count, users?.exact === false),
      line: missing || "in the last 5 minutes",
    })}
    ${h(Tile, {
      label: "Events today",
      value: hours === undefined ? undefined : format.number(hours.totals?.[0]),
      line: todayLine,
    })}
    ${h(Tile, {
      label: "Counting is behind by",
      value: lagMs === undefined ? undefined : format.duration(lagMs),
      line:
        lagMs === undefined
          ? ""
          : lagMs < 10_000
            ? "Answers have everything before that"
            : "Answers lack what is newer",
    })}
  </div>`;
}

function typesLine(frame: LiveFrame | undefined): string {
  if (frame === undefined) return "";
  const [first] = frame.events.types;
  return first === undefined ? "none in this second" : `most: ${first.type}`;
}

function comparedInWords(now: number, then: number): string {
  const words = format.changeInWords(now, then);
  if (then === 0) return "none yesterday by now";
  return `${words} ${words.endsWith("as many") ? "as" : "than"} yesterday by now`;
}

function Tile({
  label,
  value,
  line,
  children,
}: {
  readonly label: string;
  readonly value: string | undefined;
  readonly line: string;
  readonly children?: Children;
}): VNode {
  return html`<section class="card tile" aria-label=${label}>
    <h2>${label}</h2>
    <p class="figure">${value ?? format.notKnown}</p>
    ${children}
    <p class="tile-line">${line}</p>
  </section>`;
}

/** The last 60 seconds. Decoration beside the number. */
function Bars({ values }: { readonly values: readonly number[] }): VNode {
  const top = Math.max(1, ...values);
  const shown = [...Array.from({ length: Math.max(0, 60 - values.length) }, () => 0), ...values];
  const bars = shown.map((value, index) => {
    const height = Math.max(value === 0 ? 1 : 2, (value / top) * 32);
    return `M${index * 4} 32v${-height}h3v${height}z`;
  });
  return html`<svg class="spark" viewBox="0 0 240 32" preserveAspectRatio="none" aria-hidden="true">
    <path d=${bars.join("")} />
  </svg>`;
}

function hourly(range: string) {
  return {
    path: "/api/v1/query",
    body: {
      metrics: ["count"],
      dimensions: ["time:hour"],
      range,
      timezone: zone.value,
      include: ["totals"],
    },
  };
}

function Today({ hours: today }: { readonly hours: AnswerState<QueryAnswer> }): VNode {
  const yesterday = useAnswer<QueryAnswer>(hourly("yesterday"), everyMs);
  const { answer } = today;
  const to = addressOf("trends", { range: "today" });
  const chart = answer !== undefined && h(HourChart, { answer, yesterday: yesterday.answer });
  return h(
    Card,
    {
      title: "Today by hour",
      className: "now-today",
      note: html`<span class="row"
        ><i class="key s1"></i>today <i class="key line"></i>yesterday</span
      >`,
      requests: [today, yesterday],
      waiting: h(Waiting, { rows: 1, height: 371 }),
      tools: {
        calls: [hourly("today"), hourly("yesterday")],
        csv: () => hourRows(answer, yesterday.answer),
        csvName: "today",
      },
      exactness: h(Exactness, { meta: answer?.meta, before: [yesterday.answer?.meta] }),
    },
    answer !== undefined &&
      (answer.totals?.[0] === 0 && yesterday.answer?.totals?.[0] === 0
        ? h(NoEvents, { again: today.again, otherwise: chart })
        : chart),
    html`<p class="more-link">
      <a href=${hrefOf(to)} onClick=${follow(to)}>By type in Trends</a>
    </p>`,
  );
}

function hourSeries(
  answer: QueryAnswer,
  yesterday: QueryAnswer | undefined,
): { readonly periods: Periods; readonly series: readonly Series[] } {
  const periods = periodsOf(timesOf(answer, 0), "hour", {
    range: answer.meta.range ?? answer.query.range,
    asOf: answer.meta.asOf,
    zone: answer.query.timezone,
  });
  const at = { name: undefined, time: 0 };
  const values = seriesValues(answer.results, periods.times, at).get("") ?? [];
  const before = yesterday && timesOf(yesterday, 0);
  const then = before && (seriesValues(yesterday.results, before, at).get("") ?? []);
  return {
    periods,
    series: [
      {
        id: "today",
        name: "today",
        colour: "s1",
        values,
        previous:
          before &&
          counterparts(periods.times, before, "hour", 1).map(
            (place) => then?.[place ?? -1] ?? null,
          ),
      },
    ],
  };
}

interface HourRow {
  readonly time: string;
  readonly name: string;
  readonly today: string;
  readonly before: string;
}

function HourChart({
  answer,
  yesterday,
}: {
  readonly answer: QueryAnswer;
  readonly yesterday: QueryAnswer | undefined;
}): VNode {
  const [isOpen, setOpen] = useState(false);
  const { periods, series } = hourSeries(answer, yesterday);
  const [line] = series;
  const rows: readonly HourRow[] = periods.times.map((time, place) => ({
    time,
    name: nameOf(periods, place),
    today: periods.ahead.has(place) ? "" : format.number(line?.values[place]),
    before: format.number(line?.previous?.[place]),
  }));
  const columns: readonly Column<HourRow>[] = [
    { id: "hour", name: "Hour", cell: ({ name }) => name },
    { id: "today", name: "Today", isNumber: true, cell: ({ today }) => today },
    { id: "yesterday", name: "Yesterday", isNumber: true, cell: ({ before }) => before },
  ];
  return html`${h(Chart, {
      periods,
      series,
      shape: "lines",
      isCount: true,
      height: 286,
      partText: () => "This hour is not over.",
    })}
    <details
      class="as-table"
      onToggle=${(event: Event) => setOpen((event.target as HTMLDetailsElement).open)}
    >
      <summary>The same as a table</summary>
      ${isOpen && h(Table<HourRow>, { label: "Today by hour", columns, rows, keyOf: ({ time }) => time })}
    </details>`;
}

function hourRows(answer: QueryAnswer | undefined, yesterday: QueryAnswer | undefined) {
  if (answer === undefined) return [];
  const { periods, series } = hourSeries(answer, yesterday);
  return [
    ["time", "today", "yesterday"],
    ...periods.times.map((time, place) => [
      time,
      periods.ahead.has(place) ? undefined : series[0]?.values[place],
      series[0]?.previous?.[place],
    ]),
  ];
}
