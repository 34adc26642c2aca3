import { daysOf, type Comparison, type Instants } from "./range.ts";
import { instantAt, shiftWall, wallClock } from "./zone.ts";

/**
 * How many days a comparison goes back: for weekdays so many weeks that the ranges do not overlap.
 * `undefined` where the API itself compares.
 */
export function comparedDays(
  kind: Comparison,
  instants: Instants,
  zone: string,
): number | undefined {
  if (kind === "previous") return undefined;
  if (kind === "year") return 364;
  const weeks = Math.ceil(daysOf(instants, zone) / 7) * 7;
  const [from = "", to = ""] = [instants.from, instants.to].map((text) =>
    wallClock(Date.parse(text), zone),
  );
  return shiftWall(to, -weeks) > from ? weeks + 7 : weeks;
}

/**
 * The instants so many days of the calendar earlier, at the same times of the zone's clock. Where
 * the clock shows no time between these the range keeps its length.
 */
export function shiftedInstants({ from, to }: Instants, zone: string, days: number): Instants {
  const [first = 0, end = 0] = [from, to].map((text) =>
    instantAt(shiftWall(wallClock(Date.parse(text), zone), -days), zone),
  );
  const last = end > first ? end : first + Date.parse(to) - Date.parse(from);
  return { from: new Date(first).toISOString(), to: new Date(last).toISOString() };
}
