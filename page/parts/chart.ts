import { h } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { change, number, periodName, periodTick, short } from "../pure/format.ts";
import { axisOf, ticksOf, type Periods, type Series } from "../pure/series.ts";
import { drawBars, drawNoData } from "./chart-bars.ts";
import { html, type VNode } from "./html.ts";

export interface ChartProps {
  readonly periods: Periods;
  readonly series: readonly Series[];
  readonly shape: "lines" | "bars";
  /** Bars stand on each other: for counts and sums. */
  readonly isStacked?: boolean;
  readonly isCount: boolean;
  readonly height: number;
  /** Names at the ends of the lines; they need 124 px at the right. */
  readonly endLabels?: boolean;
  /** The row that is looked at: its line is drawn heavier. */
  readonly focused?: string | undefined;
  /** How values are written; `number` where it is not given. */
  readonly write?: (value: number | null) => string;
  /** "Today is not over: until 14:24." */
  readonly partText: string;
  readonly onOpen?: (place: number, id: string) => void;
  readonly onSelect?: (from: number, to: number) => void;
  /** No data is known before this place. */
  readonly knownFrom?: number;
}

interface Label {
  readonly id: string;
  readonly name: string;
  readonly colour: string;
  readonly top: number;
}

const labelRoom = 124;
const labelStep = 17;

/**
 * A chart of periods: one stop of Tab, whose points are read by arrows. x is the number of the period. What is not over is
 * dashed (bars: hatched). The same numbers stand in a table below.
 */
export function Chart(props: ChartProps): VNode {
  const { periods, series, height, write = number, onOpen, onSelect } = props;
  const frame = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const latest = useRef(props);
  latest.current = props;
  const [labels, setLabels] = useState<readonly Label[]>([]);
  const [place, setPlace] = useState<number | undefined>();
  const [line, setLine] = useState(0);
  const [anchor, setAnchor] = useState<number | undefined>();
  const [spoken, setSpoken] = useState("");
  const [paint, setPaint] = useState(0);

  useEffect(() => {
    const again = () => setPaint((value) => value + 1);
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    scheme.addEventListener("change", again);
    void document.fonts.ready.then(again);
    return () => scheme.removeEventListener("change", again);
  }, []);

  const shownData = JSON.stringify([
    periods.times,
    [...periods.part],
    series,
    props.shape,
    props.endLabels,
    height,
  ]);
  useEffect(() => {
    const element = frame.current!;
    const made = new uPlot(
      optionsOf(latest.current, element.clientWidth, {
        onPlace: setPlace,
        onSelect: (from, to) => latest.current.onSelect?.(from, to),
        onSized: (u) => setLabels(labelsOf(u, latest.current)),
      }),
      dataOf(latest.current),
      element,
    );
    plot.current = made;
    const watch = new ResizeObserver(() => {
      if (element.clientWidth !== made.width) made.setSize({ width: element.clientWidth, height });
    });
    watch.observe(element);
    return () => {
      watch.disconnect();
      plot.current = undefined;
      made.destroy();
    };
  }, [shownData, paint]);

  useEffect(() => {
    const made = plot.current;
    if (made === undefined) return;
    emphasize(made, props);
    made.redraw(false);
  }, [props.focused, shownData, paint]);

  function goTo(to: number, toLine = line): void {
    const at = Math.max(0, Math.min(periods.times.length - 1, to));
    const one = series[toLine];
    setPlace(at);
    const made = plot.current;
    if (made !== undefined) {
      const value = one?.values[at] ?? 0;
      made.setCursor({ left: made.valToPos(at, "x"), top: made.valToPos(value, "y") }, false);
    }
    if (one === undefined) return;
    const before = one.previous?.[at];
    const difference = one.previous === undefined ? "" : `, ${change(one.values[at], before)}`;
    const name = periodName(periods.times[at]!, periods.per, true);
    setSpoken(`${name}, ${one.name} ${write(one.values[at] ?? null)}${difference}`);
  }

  function press(event: KeyboardEvent): void {
    const at = place ?? periods.times.length;
    const steps: Readonly<Record<string, number>> = {
      ArrowLeft: at - 1,
      ArrowRight: place === undefined ? 0 : at + 1,
      Home: 0,
      End: periods.times.length - 1,
    };
    const to = steps[event.key];
    if (to !== undefined) {
      event.preventDefault();
      if (event.shiftKey && onSelect !== undefined) setAnchor(anchor ?? place ?? to);
      else setAnchor(undefined);
      goTo(to);
    } else if (event.key === "ArrowUp" || event.key === "ArrowDown") {
      event.preventDefault();
      const next = (line + (event.key === "ArrowDown" ? 1 : -1) + series.length) % series.length;
      setLine(next);
      goTo(place ?? periods.times.length - 1, next);
    } else if (event.key === "Enter" && place !== undefined) {
      event.preventDefault();
      if (anchor !== undefined && anchor !== place) {
        onSelect?.(Math.min(anchor, place), Math.max(anchor, place));
        setAnchor(undefined);
      } else if (series[line] !== undefined) onOpen?.(place, series[line].id);
    } else if (event.key === "Escape" && place !== undefined) {
      event.preventDefault();
      setPlace(undefined);
      plot.current?.setCursor({ left: -10, top: -10 }, false);
    }
  }

  function click(): void {
    const made = plot.current;
    if (made === undefined || place === undefined || onOpen === undefined) return;
    const nearest = nearestLine(made, series, place);
    if (nearest !== undefined) onOpen(place, nearest.id);
  }

  const described = `Chart, ${periods.times.length} periods, ${series.length} ${series.length === 1 ? "line" : "lines"}. Arrow keys read values.`;
  return html`<figure class="chart" aria-label="Chart. The same numbers are in the table below.">
    <div
      ref=${frame}
      class="plot"
      role="application"
      tabindex="0"
      aria-label=${described}
      style=${{ height: `${height}px` }}
      onKeyDown=${press}
      onClick=${click}
      onBlur=${() => setPlace(undefined)}
    ></div>
    <div class="end-labels" aria-hidden="true">
      ${labels.map(
        ({ id, name, colour, top }) =>
          html`<span key=${id} class=${`end-label ${colour}`} style=${{ top: `${top}px` }}
            ><i class=${`key ${colour}`}></i><span>${name}</span></span
          >`,
      )}
    </div>
    ${
      place !== undefined &&
      h(Tooltip, { ...props, place, plot: plot.current, line: series[line]?.id, anchor })
    }
    <div class="visually-hidden" aria-live="polite">${spoken}</div>
  </figure>`;
}

interface TooltipProps extends ChartProps {
  readonly place: number;
  readonly plot: uPlot | undefined;
  readonly line: string | undefined;
  readonly anchor: number | undefined;
}

/** The period's numbers, largest first; beside the point's column, within the card. */
function Tooltip({
  periods,
  series,
  place,
  plot,
  write = number,
  partText,
  anchor,
}: TooltipProps): VNode | null {
  const time = periods.times[place];
  if (plot === undefined || time === undefined) return null;
  const rows = series
    .map((one) => ({ one, value: one.values[place] ?? null }))
    .toSorted((a, b) => (b.value ?? -1) - (a.value ?? -1));
  const left = plot.bbox.left / devicePixelRatio + plot.valToPos(place, "x");
  const isRight = left > plot.width / 2;
  const side = isRight ? { right: `${plot.width - left + 14}px` } : { left: `${left + 14}px` };
  const from = anchor === undefined || anchor === place ? undefined : periods.times[anchor];
  return html`<div class="tooltip" aria-hidden="true" style=${side}>
    <p class="tooltip-title">
      ${from !== undefined && `${periodName(from, periods.per)} – `}${periodName(time, periods.per, repeats(periods, place))}
    </p>
    ${rows.map(
      ({ one, value }) =>
        html`<p key=${one.id} class="tooltip-row">
          <i class=${`key ${one.colour}`}></i><span>${one.name}</span><b>${write(value)}</b>
          ${one.previous !== undefined && html`<em>${change(value, one.previous[place])}</em>`}
        </p>`,
    )}
    ${periods.ahead.has(place) && html`<p class="muted">Not begun yet.</p>`}
    ${periods.part.has(place) && html`<p class="muted">${partText}</p>`}
  </div>`;
}

/** The hour that a clock shows twice needs its offset. */
function repeats({ times }: Periods, place: number): boolean {
  const wall = times[place]!.slice(0, 19);
  return [times[place - 1], times[place + 1]].some((time) => time?.startsWith(wall) === true);
}

function nearestLine(plot: uPlot, series: readonly Series[], place: number): Series | undefined {
  const top = plot.cursor.top ?? 0;
  let best: Series | undefined;
  let bestDistance = Infinity;
  for (const one of series) {
    const value = one.values[place];
    if (value === null || value === undefined) continue;
    const distance = Math.abs(plot.valToPos(value, "y") - top);
    if (distance < bestDistance) [best, bestDistance] = [one, distance];
  }
  return best;
}

function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** For each line: its whole periods, the ends that are not over, the range before. Bars are drawn apart. */
function dataOf({ periods, series }: ChartProps): uPlot.AlignedData {
  const x = periods.times.map((_, index) => index);
  const lines = series.flatMap(({ values, previous }) => {
    const begun = values.map((value, index) => (periods.ahead.has(index) ? null : value));
    const whole = begun.map((value, index) => (periods.part.has(index) ? null : value));
    const part = begun.map((value, index) =>
      [index - 1, index, index + 1].some((near) => periods.part.has(near)) ? value : null,
    );
    return [[...(previous ?? values.map(() => null))], whole, part];
  });
  return [x, ...lines] as uPlot.AlignedData;
}

function largestOf({ series, shape, isStacked = false, periods }: ChartProps): number {
  let largest = 0;
  for (const [index] of periods.times.entries()) {
    const values = series.map(({ values: all }) => all[index] ?? 0);
    const top =
      shape === "bars" && isStacked
        ? values.reduce((sum, value) => sum + value, 0)
        : Math.max(0, ...values);
    const before = shape === "lines" ? series.map(({ previous }) => previous?.[index] ?? 0) : [];
    largest = Math.max(largest, top, ...before);
  }
  return largest;
}

function optionsOf(
  props: ChartProps,
  width: number,
  told: {
    readonly onPlace: (place: number | undefined) => void;
    readonly onSelect: (from: number, to: number) => void;
    readonly onSized: (plot: uPlot) => void;
  },
): uPlot.Options {
  const { periods, series, shape, height, isCount, endLabels = false, onSelect } = props;
  const count = periods.times.length;
  const lines = axisOf(largestOf(props), isCount);
  const right = endLabels && shape === "lines" ? labelRoom : 12;
  const plotWidth = width - 52 - right;
  const ticks = ticksOf(periods.times, periods.per, Math.max(2, Math.floor(plotWidth / 76)));
  const font = "12px Inter, sans-serif";
  const isBars = shape === "bars";
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
      y: { range: [0, lines.at(-1)!] },
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
            ),
          ),
      },
      {
        stroke: token("muted"),
        font,
        size: 52,
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
      ready: [told.onSized],
      setSize: [told.onSized],
      setCursor: [
        (plot) => {
          const { idx, left = -1 } = plot.cursor;
          told.onPlace(left < 0 || idx === null || idx === undefined ? undefined : idx);
        },
      ],
      setSelect: [
        (plot) => {
          const { left, width: wide } = plot.select;
          if (wide < 8) return;
          const from = Math.ceil(plot.posToVal(left, "x"));
          const to = Math.floor(plot.posToVal(left + wide, "x"));
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          if (to >= from) told.onSelect(Math.max(0, from), Math.min(count - 1, to));
        },
      ],
    },
  };
}

function isDayStart({ times, per }: Periods, place: number): boolean {
  return (per === "hour" || per === "minute") && times[place]?.slice(11, 16) === "00:00";
}

/** A value without neighbours is a point: no line would show it. */
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

/** The focused line at 3 px, the others at a quarter; its range before is drawn too. */
function emphasize(plot: uPlot, { series, focused, shape }: ChartProps): void {
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

/** Names at the ends of the lines, moved apart. */
function labelsOf(
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
