import { h } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { change, number } from "../pure/format.ts";
import { nameOf, type Periods, type Series } from "../pure/series.ts";
import { dataOf, emphasize, labelsOf, optionsOf, type Label } from "./chart-plot.ts";
import { html, type VNode } from "./html.ts";

export interface ChartProps {
  readonly periods: Periods;
  readonly series: readonly Series[];
  readonly shape: "lines" | "bars";
  /** Whether bars are stacked: for counts and sums. */
  readonly isStacked?: boolean;
  readonly isCount: boolean;
  readonly height: number;
  /** Whether names stand at the ends of the lines; they need 136 px at the right. */
  readonly endLabels?: boolean;
  /** The focused row: its line is drawn heavier. */
  readonly focused?: string | undefined;
  /** Writes values; absent: `number`. */
  readonly write?: (value: number | null) => string;
  /** Why not all of a period is in the answer: "This day is not over." */
  readonly partText: (place: number) => string;
  readonly onOpen?: (place: number, id: string) => void;
  readonly onSelect?: (from: number, to: number) => void;
  /** There is no data before this place. */
  readonly knownFrom?: number;
}

/**
 * A chart of periods: one stop of Tab, whose points arrows visit. x is the index of the period.
 * Unfinished periods are dashed (bars: hatched). A table below has the same numbers.
 */
export function Chart(props: ChartProps): VNode {
  const { periods, series, height, write = number, onOpen, onSelect } = props;
  const frame = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const pointed = useRef<{ readonly left: number; readonly top: number } | undefined>(undefined);
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
    // Drawn once where the face is there already.
    if (document.fonts.status !== "loaded") void document.fonts.ready.then(again);
    return () => scheme.removeEventListener("change", again);
  }, []);

  const shownData = JSON.stringify([
    periods.times,
    [...periods.part],
    series,
    props.shape,
    props.endLabels,
    props.knownFrom,
    height,
  ]);
  useEffect(() => {
    const element = frame.current!;
    const made = new uPlot(
      optionsOf(latest.current, element.clientWidth, {
        onPlace: setPlace,
        onSelect: (from, to) => latest.current.onSelect?.(from, to),
        onSized(u) {
          setLabels(labelsOf(u, latest.current));
          // New numbers do not take away what the reader points at.
          if (pointed.current !== undefined) u.setCursor(pointed.current, false);
          pointed.current = undefined;
        },
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
      const { left = -10, top = -10 } = made.cursor;
      pointed.current = left < 0 ? undefined : { left, top };
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
    const difference =
      one.previous === undefined ? "" : `, ${change(one.values[at], before, props.isCount)}`;
    setSpoken(`${nameOf(periods, at)}, ${one.name} ${write(one.values[at] ?? null)}${difference}`);
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
      leave();
    }
  }

  function leave(): void {
    setPlace(undefined);
    plot.current?.setCursor({ left: -10, top: -10 }, false);
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
      onBlur=${leave}
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

/** Shows the period's numbers, the largest first, beside the point's column and within the card. */
function Tooltip({
  periods,
  series,
  place,
  plot,
  write = number,
  isCount,
  partText,
  anchor,
}: TooltipProps): VNode | null {
  if (plot === undefined || periods.times[place] === undefined) return null;
  const rows = series
    .map((one) => ({ one, value: one.values[place] ?? null }))
    .toSorted((a, b) => descending(a.value, b.value));
  const left = plot.bbox.left / devicePixelRatio + plot.valToPos(place, "x");
  const isRight = left > plot.width / 2;
  const side = isRight ? { right: `${plot.width - left + 14}px` } : { left: `${left + 14}px` };
  const ends = [...new Set([place, anchor ?? place])].sort((one, other) => one - other);
  return html`<div class="tooltip" aria-hidden="true" style=${side}>
    <p class="tooltip-title">${ends.map((end) => nameOf(periods, end)).join(" – ")}</p>
    ${rows.map(
      ({ one, value }) =>
        html`<p key=${one.id} class="tooltip-row">
          <i class=${`key ${one.colour}`}></i><span>${one.name}</span><b>${write(value)}</b>
          ${one.previous !== undefined && html`<em>${change(value, one.previous[place], isCount)}</em>`}
        </p>`,
    )}
    ${periods.ahead.has(place) && html`<p class="muted">Not begun yet.</p>`}
    ${periods.part.has(place) && html`<p class="muted">${partText(place)}</p>`}
  </div>`;
}

/** Compares two values, the larger first and what is not known last. */
function descending(one: number | null, other: number | null): number {
  if (one === null || other === null) return Number(one === null) - Number(other === null);
  return other - one;
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
