import { childGrain, grainMs, startOf, type Grain } from "./bucket.ts";
import type { Range } from "../event/filter.ts";
import type { Period } from "./calendar.ts";

/**
 * The starts of a project's dirty buckets, by grain, in any order; at least all that lie within the
 * range counted.
 */
export type Marks = Readonly<Record<Grain, readonly number[]>>;

/**
 * What to read to count a range. Each instant of the range is in exactly one part. All parts
 * ascend; ranges of buckets are aligned to their grain, and adjacent ones are joined.
 */
export interface Cover {
  /** Settled buckets: their rollups are read. */
  readonly rollups: Readonly<Record<Grain, readonly Range[]>>;
  /** Marked minutes: their deltas are summed. */
  readonly deltas: readonly number[];
  /** Parts of minutes at a period's ends: their events are counted. */
  readonly events: readonly Range[];
}

/**
 * Covers a range with the coarsest settled buckets that lie within it. A bucket is settled where
 * neither it nor any bucket within it is marked. The cost grows with the marks, not with the range.
 */
export function cover(range: Range, marks: Marks): Cover {
  return coverAll([{ start: range.from, end: range.to }], marks);
}

/**
 * Covers several periods (ascending, not overlapping) at once. No bucket crosses the boundary of a
 * period, so each row of the answer belongs to one period, which `assign` finds by the row's start.
 * Where the boundaries are whole minutes (all zones since 1973) `events` holds two ranges at most.
 */
export function coverAll(periods: readonly Pick<Period, "start" | "end">[], marks: Marks): Cover {
  const unsettled = unsettledBy(marks);
  const rollups: Record<Grain, Range[]> = { minute: [], hour: [], day: [] };
  const deltas: number[] = [];
  const events: Range[] = [];

  function split(grain: Grain, from: number, to: number): void {
    if (from >= to) return;
    const length = grainMs[grain];
    const child = childGrain(grain);
    const first = ceilTo(grain, from);
    const last = startOf(grain, to);
    if (first >= last) {
      if (child !== undefined) split(child, from, to);
      return;
    }
    if (child !== undefined) split(child, from, first);
    const starts = unsettled[grain];
    let settledFrom = first;
    for (let i = firstAtLeast(starts, first); i < starts.length && starts[i]! < last; i++) {
      const start = starts[i]!;
      append(rollups[grain], settledFrom, start);
      if (child === undefined) deltas.push(start);
      else split(child, start, start + length);
      settledFrom = start + length;
    }
    append(rollups[grain], settledFrom, last);
    if (child !== undefined) split(child, last, to);
  }

  for (const { start, end } of periods) {
    if (start >= end) continue;
    const first = ceilTo("minute", start);
    const last = startOf("minute", end);
    if (first >= last) {
      events.push({ from: start, to: end });
      continue;
    }
    if (start < first) events.push({ from: start, to: first });
    split("day", first, last);
    if (last < end) events.push({ from: last, to: end });
  }
  return { rollups, deltas, events };
}

/**
 * The index of the period (ascending, not overlapping) that holds an instant; -1 where none does.
 */
export function assign(periods: readonly Pick<Period, "start" | "end">[], instant: number): number {
  let low = 0;
  let high = periods.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (periods[middle]!.start <= instant) low = middle + 1;
    else high = middle;
  }
  return low > 0 && instant < periods[low - 1]!.end ? low - 1 : -1;
}

/** The source of a cover's counts, for `meta.source`. Deltas belong to the rollups. */
export function sourceOf(cover: Cover): "rollup" | "events" | "mixed" {
  if (cover.events.length === 0) return "rollup";
  const { minute, hour, day } = cover.rollups;
  return minute.length + hour.length + day.length + cover.deltas.length > 0 ? "mixed" : "events";
}

/** The marked buckets and those that contain one, ascending, each once. */
function unsettledBy(marks: Marks): Readonly<Record<Grain, Float64Array>> {
  const minute = ascending(marks.minute);
  const hour = ascending([...marks.hour, ...parentsOf("hour", minute)]);
  const day = ascending([...marks.day, ...parentsOf("day", hour)]);
  return { minute, hour, day };
}

function parentsOf(grain: Grain, starts: Float64Array): Float64Array {
  return starts.map((start) => startOf(grain, start));
}

function ascending(starts: readonly number[]): Float64Array {
  const sorted = Float64Array.from(starts).sort();
  return sorted.filter((start, i) => start !== sorted[i - 1]);
}

function ceilTo(grain: Grain, instant: number): number {
  return startOf(grain, instant + grainMs[grain] - 1);
}

function firstAtLeast(starts: Float64Array, least: number): number {
  let low = 0;
  let high = starts.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (starts[middle]! < least) low = middle + 1;
    else high = middle;
  }
  return low;
}

function append(ranges: Range[], from: number, to: number): void {
  if (from >= to) return;
  const last = ranges.at(-1);
  if (last?.to === from) ranges[ranges.length - 1] = { from: last.from, to };
  else ranges.push({ from, to });
}
