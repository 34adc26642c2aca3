import type uPlot from "uplot";
import type { ChartProps } from "./chart.ts";

/**
 * Draws bars, stacked or side by side, up and down from 0; bars of unfinished periods are hatched.
 */
export function drawBars(
  plot: uPlot,
  { series, periods, isStacked = false }: Pick<ChartProps, "series" | "periods" | "isStacked">,
  colourOf: (token: string) => string,
): void {
  const { ctx } = plot;
  const slot = Math.abs(plot.valToPos(1, "x", true) - plot.valToPos(0, "x", true));
  const room = Math.max(1, slot * 0.72);
  const width = isStacked ? room : room / Math.max(1, series.length);
  ctx.save();
  for (const index of periods.times.keys()) {
    if (periods.ahead.has(index)) continue;
    const middle = plot.valToPos(index, "x", true);
    const stacked = { above: 0, below: 0 };
    for (const [place, { values, colour }] of series.entries()) {
      const value = values[index];
      if (value === null || value === undefined || value === 0) continue;
      const side = value > 0 ? "above" : "below";
      const base = isStacked ? stacked[side] : 0;
      const ends = [base, base + value].map((end) => plot.valToPos(end, "y", true));
      const [top, bottom] = [Math.min(...ends), Math.max(...ends)];
      const left = middle - room / 2 + (isStacked ? 0 : place * width);
      const paint = colourOf(colour);
      ctx.fillStyle = periods.part.has(index) ? hatched(ctx, paint) : paint;
      ctx.fillRect(left, top, Math.max(1, width - 1), Math.max(1, bottom - top));
      stacked[side] += value;
    }
  }
  ctx.restore();
}

function hatched(ctx: CanvasRenderingContext2D, colour: string): CanvasPattern | string {
  const tile = document.createElement("canvas");
  const size = Math.round(6 * devicePixelRatio);
  tile.width = size;
  tile.height = size;
  const brush = tile.getContext("2d")!;
  brush.strokeStyle = colour;
  brush.lineWidth = size / 3;
  for (const shift of [-size, 0, size]) {
    brush.moveTo(shift, size);
    brush.lineTo(shift + size, 0);
  }
  brush.stroke();
  return ctx.createPattern(tile, "repeat") ?? colour;
}

/** Draws the time before the first known event in grey. */
export function drawNoData(plot: uPlot, from: number, colour: string): void {
  if (from <= 0) return;
  const { ctx, bbox } = plot;
  const end = Math.min(bbox.left + bbox.width, plot.valToPos(from - 0.5, "x", true));
  ctx.save();
  ctx.fillStyle = colour;
  ctx.fillRect(bbox.left, bbox.top, end - bbox.left, bbox.height);
  ctx.restore();
}
