import { periods } from "./calendar.ts";
import type { OpenRange } from "../event/filter.ts";

/** Ranges that have a name. A week begins on Monday. */
export const rangeWords = [
  "today",
  "yesterday",
  "this_week",
  "last_week",
  "this_month",
  "last_month",
  "month_to_date",
  "this_year",
  "all",
] as const;
type RangeWord = (typeof rangeWords)[number];

/**
 * A range that moves with the clock: one that has a name, or the last N minutes, hours
 * or days.
 */
export type RelativeRange = RangeWord | Last;

export interface Last {
  readonly count: number;
  readonly unit: "m" | "h" | "d";
}

const minuteMs = 60_000;
const dayMs = 86_400_000;
const lengthMs = { m: minuteMs, h: 60 * minuteMs } as const;

/**
 * The range that a relative range means at an instant, half open. Days, weeks, months and years are
 * whole ones of the zone's calendar, and the current one reaches to its end; minutes and hours end
 * with the current minute.
 * @param zone an IANA name (`isZone`)
 * @param now epoch milliseconds
 */
export function resolveRange(relative: RelativeRange, zone: string, now: number): OpenRange {
  const minuteEnd = Math.floor(now / minuteMs) * minuteMs + minuteMs;
  if (typeof relative === "object") {
    const { count, unit } = relative;
    if (unit !== "d") return { from: minuteEnd - count * lengthMs[unit], to: minuteEnd };
  }
  if (relative === "all") return {};
  const today = dateAt(zone, now);
  const span = (first: number, next: number) => ({
    from: startOf(zone, first),
    to: startOf(zone, next),
  });
  if (typeof relative === "object") return span(today - relative.count + 1, today + 1);
  const monday = today - ((((today + 3) % 7) + 7) % 7);
  switch (relative) {
    case "today":
      return span(today, today + 1);
    case "yesterday":
      return span(today - 1, today);
    case "this_week":
      return span(monday, monday + 7);
    case "last_week":
      return span(monday - 7, monday);
    case "this_month":
      return span(firstOfMonth(today, 0), firstOfMonth(today, 1));
    case "last_month":
      return span(firstOfMonth(today, -1), firstOfMonth(today, 0));
    case "month_to_date":
      return { from: startOf(zone, firstOfMonth(today, 0)), to: minuteEnd };
    case "this_year":
      return span(firstOfYear(today, 0), firstOfYear(today, 1));
  }
}

/** The date that a zone's day at an instant has, as days since 1970-01-01. */
function dateAt(zone: string, instant: number): number {
  const [day] = periods("day", zone, { from: instant, to: instant + 1 });
  return dayOf(day!.time);
}

/** The start of a date in a zone; where the zone skipped the date, the start of the next one. */
function startOf(zone: string, date: number): number {
  const around = { from: (date - 3) * dayMs, to: (date + 3) * dayMs };
  const found = periods("day", zone, around).find(({ time }) => dayOf(time) >= date);
  return found!.start;
}

function dayOf(time: string): number {
  return Date.parse(time.slice(0, 10)) / dayMs;
}

function firstOfMonth(date: number, monthsOn: number): number {
  const day = new Date(date * dayMs);
  return Date.UTC(day.getUTCFullYear(), day.getUTCMonth() + monthsOn, 1) / dayMs;
}

function firstOfYear(date: number, yearsOn: number): number {
  return Date.UTC(new Date(date * dayMs).getUTCFullYear() + yearsOn, 0, 1) / dayMs;
}
