import type uPlot from "uplot";
import { axisOf, extentOf, ticksOf } from "../pure/axis.ts";
import { periodTick, short } from "../pure/format.ts";
import type { Periods } from "../pure/series.ts";
import { drawBars, drawNoData } from "./chart-bars.ts";
import type { ChartProps } from "./chart.ts";

/** A name at the end of a line. */
export interface Label {
  readonly id: string;
  readonly name: string;
  readonly colour: string;
  readonly top: number;
}

/** Room for `email.unsubscribed` with its key. */
const labelRoom = 136;
const labelStep = 17;
/** Room for the second half of the last label below: `28 Nov`. */
const tickRoom = 28;

function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/**
 * The data of each line: its whole periods, its unfinished ends, the range before. Bars are drawn
 * separately.
 */
export function dataOf({ periods, series, knownFrom = 0 }: ChartProps): uPlot.AlignedData {
  const x = periods.times.map((_, index) => index);
  const lines = series.flatMap(({ values, previous }) => {
    const begun = values.map((value, index) =>
      periods.ahead.has(index) || index < knownFrom ? null : value,
    );
    const whole = begun.map((value, index) => (periods.part.has(index) ? null : value));
    const part = begun.map((value, index) =>
      [index - 1, index, index + 1].some((near) => periods.part.has(near)) ? value : null,
    );
    return [[...(previous ?? values.map(() => null))], whole, part];
  });
  return [x, ...lines] as uPlot.AlignedData;
}

export function optionsOf(
  props: ChartProps,
  width: number,
  listeners: {
    readonly onPlace: (place: number | undefined) => void;
    readonly onSelect: (from: number, to: number) => void;
    readonly onSized: (plot: uPlot) => void;
  },
): uPlot.Options {
  const { periods, series, shape, height, isCount, endLabels = false, onSelect } = props;
  const isBars = shape === "bars";
  const count = periods.times.length;
  const isStacked = isBars && props.isStacked === true;
  const lines = axisOf(extentOf(series, { isStacked, withPrevious: !isBars }), isCount);
  const right = endLabels && shape === "lines" ? labelRoom : tickRoom;
  const left = Math.max(52, 16 + 7 * Math.max(...lines.map((line) => short(line).length)));
  const plotWidth = width - left - right;
  const ticks = ticksOf(periods.times, periods.per, Math.max(2, Math.floor(plotWidth / 76)));
  const font = "12px Inter, sans-serif";
  return {
    width,
    height,
    padding: [8, right, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      points: { show: !isBars },
      drag: { x: onSelect !== undefined, y: false, setScale: false },
      focus: { prox: -1 },
    },
    select: { show: true, left: 0, top: 0, width: 0, height: 0 },
    scales: {
      x: {
        time: false,
        range: isBars ? [-0.6, count - 0.4] : [Math.min(0, count - 2), Math.max(count - 1, 1)],
      },
      y: { range: [lines[0]!, lines.at(-1)!] },
    },
    axes: [
      {
        stroke: token("muted"),
        font,
        size: 32,
        gap: 8,
        grid: { show: false },
        ticks: { show: false },
        splits: () => [...ticks],
        values: (_, places) =>
          places.map((place, index) =>
            periodTick(
              periods.times[place] ?? "",
              periods.per,
              index === 0 || isDayStart(periods, place),
              periods.times[places[index - 1] ?? -1],
            ),
          ),
      },
      {
        stroke: token("muted"),
        font,
        size: left,
        gap: 8,
        grid: { stroke: token("grid"), width: 1 },
        ticks: { show: false },
        splits: () => [...lines],
        values: (_, values) => values.map(short),
      },
    ],
    series: [
      {},
      ...series.flatMap((one, index): uPlot.Series[] => {
        const stroke = token(one.colour);
        const isShown = !isBars;
        return [
          {
            show: isShown && one.previous !== undefined && series.length <= 2,
            stroke: faded(stroke),
            width: 1.25,
            points: { show: false },
          },
          { show: isShown, stroke, width: 2, points: lonePoints(stroke, 3 * index + 2) },
          {
            show: isShown,
            stroke,
            width: 2,
            dash: [4, 4],
            points: {
              show: true,
              size: 7,
              width: 2,
              stroke,
              fill: token("surface"),
              filter: (plot, at) =>
                [...periods.part].filter((place) => plot.data[at]?.[place] != null),
            },
          },
        ];
      }),
    ],
    hooks: {
      drawClear: [(plot) => drawNoData(plot, props.knownFrom ?? 0, token("sunken"))],
      draw: [
        (plot) => {
          if (isBars) drawBars(plot, props, (colour) => token(colour));
          drawZero(plot, token("zero"));
        },
      ],
      ready: [listeners.onSized],
      setSize: [listeners.onSized],
      setCursor: [
        (plot) => {
          const { idx, left = -1 } = plot.cursor;
          listeners.onPlace(left < 0 || idx === null || idx === undefined ? undefined : idx);
        },
      ],
      setSelect: [
        (plot) => {
          const { left, width: wide } = plot.select;
          if (wide < 8) return;
          const from = Math.ceil(plot.posToVal(left, "x"));
          const to = Math.floor(plot.posToVal(left + wide, "x"));
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          if (to >= from) listeners.onSelect(Math.max(0, from), Math.min(count - 1, to));
        },
      ],
    },
  };
}

function isDayStart({ times, per }: Periods, place: number): boolean {
  return (per === "hour" || per === "minute") && times[place]?.slice(11, 16) === "00:00";
}

/** A value without neighbours is drawn as a point, since no line would show it. */
function lonePoints(stroke: string, at: number): uPlot.Series.Points {
  return {
    show: true,
    size: 6,
    stroke,
    fill: stroke,
    filter: (plot) => {
      const values = plot.data[at] ?? [];
      return [...values.keys()].filter(
        (place) => values[place] != null && values[place - 1] == null && values[place + 1] == null,
      );
    },
  };
}

function faded(colour: string): string {
  return `${colour}73`;
}

function drawZero(plot: uPlot, colour: string): void {
  const { ctx, bbox } = plot;
  const y = Math.round(plot.valToPos(0, "y", true)) + 0.5;
  ctx.save();
  ctx.strokeStyle = colour;
  ctx.lineWidth = devicePixelRatio;
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.stroke();
  ctx.restore();
}

/**
 * Draws the focused line at 3 px and the others at a quarter; the focused line's range before is
 * drawn, too.
 */
export function emphasize(plot: uPlot, { series, focused, shape }: ChartProps): void {
  if (shape === "bars") return;
  for (const [index, one] of series.entries()) {
    const isFocused = one.id === focused;
    const alpha = focused === undefined || isFocused ? 1 : 0.25;
    for (const offset of [1, 2, 3]) {
      const drawn = plot.series[3 * index + offset]!;
      drawn.alpha = alpha;
      if (offset === 1)
        drawn.show = one.previous !== undefined && (series.length <= 2 || isFocused);
      else drawn.width = isFocused ? 3 : 2;
    }
  }
}

/** The names at the ends of the lines, moved apart. */
export function labelsOf(
  plot: uPlot,
  { series, endLabels = false, shape, periods }: ChartProps,
): readonly Label[] {
  if (!endLabels || shape === "bars") return [];
  const offset = plot.bbox.top / devicePixelRatio;
  const bottom = offset + plot.bbox.height / devicePixelRatio;
  const labels = series
    .map(({ id, name, colour, values }) => {
      const last = values.findLastIndex(
        (value, index) => value !== null && !periods.ahead.has(index),
      );
      const top = offset + plot.valToPos(values[last] ?? 0, "y") - 8;
      return { id, name, colour, top };
    })
    .sort((one, other) => one.top - other.top);
  for (const [index, label] of labels.entries()) {
    const above = labels[index - 1];
    if (above !== undefined && label.top < above.top + labelStep) label.top = above.top + labelStep;
  }
  let limit = bottom - 8;
  for (const label of labels.toReversed()) {
    if (label.top > limit) label.top = limit;
    limit = label.top - labelStep;
  }
  return labels;
}
