import { Temporal } from "temporal-polyfill";
import type { Range } from "../event/filter.ts";
import { lastInstant } from "../event/instant.ts";
import { segmentsOf, type Segment } from "./zone-clock.ts";

export const intervals = ["minute", "hour", "day", "week", "month"] as const;
export type Interval = (typeof intervals)[number];

/** One calendar period as far as it lies within a range. Half open, epoch milliseconds. */
export interface Period {
  readonly start: number;
  readonly end: number;
  /**
   * The period's true start, even where the range begins later: RFC 3339 with the zone's offset,
   * `Z` for none, and in UTC where the zone's year has more than four digits.
   */
  readonly time: string;
}

const minuteMs = 60_000;
const hourMs = 3_600_000;
const dayMs = 86_400_000;

/** The mean length of a month in the Gregorian calendar, whose cycle is 400 years. */
const meanMonthMs = (146_097 * dayMs) / 4_800;

/** More than the longest change of a zone's clock, and more than a month's length. */
const slackMs = 33 * dayMs;

/**
 * True for the name of an IANA zone (in any case), such as `Europe/Berlin` or `UTC`; offsets are
 * none.
 */
export function isZone(name: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9_+/-]{0,63}$/.test(name)) return false;
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(name);
    return true;
  } catch {
    return false;
  }
}

/** The most periods of one series. */
export const maxPeriods = 10_000;

/**
 * An upper bound for the periods of an interval that a range touches, in any zone. It costs
 * constant time, so too many periods are refused before they are built; it is too high by a few,
 * for years by less than one in 500.
 */
export function countPeriods(interval: Interval, range: Range): number {
  const span = lengthOf(range);
  if (span === 0) return 0;
  if (interval === "minute") return Math.ceil(span / minuteMs) + 1 + mostChanges(span);
  if (interval === "hour") return Math.ceil(span / hourMs) + 1 + mostChanges(span);
  // The clock's date may run ahead of the span by as much as zones ever moved: a day.
  if (interval === "day") return Math.ceil((span + dayMs) / dayMs) + 1;
  if (interval === "week") return Math.ceil((span + dayMs) / (7 * dayMs)) + 1;
  return Math.ceil((span + dayMs) / meanMonthMs) + 2;
}

function lengthOf({ from, to }: Range): number {
  return Math.max(0, to - from);
}

/**
 * The most changes of a zone's clock within a span: no zone had more than 3 in 90 days. Each may
 * part one more period.
 */
function mostChanges(spanMs: number): number {
  return 3 * Math.ceil(spanMs / (90 * dayMs));
}

/** A lower bound for the periods that a range touches, at most a few too low. In constant time. */
export function fewestPeriods(interval: Interval, range: Range): number {
  const isOfClock = interval === "minute" || interval === "hour";
  // Of days, weeks and months the upper bound is 5 too high at most.
  const mostExcess = isOfClock ? 1 + mostChanges(lengthOf(range)) : 5;
  return Math.max(0, countPeriods(interval, range) - mostExcess);
}

/** The periods of a range; how many there are at least, where these are too many. */
export type BoundedPeriods = { readonly periods: readonly Period[] } | { readonly atLeast: number };

/**
 * The periods of the zone's calendar that a range touches, as `periods`, unless there are more than
 * a limit. Takes constant time where there are many more.
 * @throws RangeError where the zone is none (`isZone`)
 */
export function periodsUpTo(
  limit: number,
  interval: Interval,
  zone: string,
  range: Range,
): BoundedPeriods {
  const atLeast = fewestPeriods(interval, range);
  if (atLeast > limit) return { atLeast };
  const found = periods(interval, zone, range);
  return found.length > limit ? { atLeast: found.length } : { periods: found };
}

/**
 * The periods of the zone's calendar that a range touches, ascending, adjacent, clipped to the
 * range at both ends.
 * - `day` starts when the clock first shows the date: at the change where midnight is skipped, at
 *   the first midnight where there are two. A date that was skipped altogether has no period.
 * - `week` starts on Monday (ISO 8601).
 * - `hour` and `minute` run from one mark of the clock to the next, and a change of the clock ends
 *   them: a repeated hour is two periods, and half an hour one where the clock moves by that much.
 *
 * About 0.5 µs for each period, and 0.3 ms for each change of the clock that this process has not
 * met yet, of up to the year 2140.
 * @throws RangeError where the zone is none (`isZone`)
 */
export function periods(interval: Interval, zone: string, range: Range): readonly Period[] {
  if (range.from >= range.to) return [];
  // From so early that the first period's true start is within.
  const segments = segmentsOf(zone, { from: range.from - slackMs, to: range.to });
  const starts =
    interval === "minute" || interval === "hour"
      ? clockStarts(segments, interval === "hour" ? hourMs : minuteMs, range)
      : dateStarts(segments, interval, range);
  const rfc3339 = rfc3339Writer();
  return starts.map(({ instant, offset }, i) => ({
    start: Math.max(instant, range.from),
    end: Math.min(starts[i + 1]?.instant ?? Infinity, range.to),
    time: rfc3339(instant, offset),
  }));
}

interface Start {
  readonly instant: number;
  readonly offset: number;
}

function clockStarts(segments: readonly Segment[], lengthMs: number, range: Range): Start[] {
  const starts: Start[] = [];
  for (const { from, to, offset } of segments) {
    const first = Math.floor((Math.max(from, range.from) + offset) / lengthMs) * lengthMs - offset;
    const end = Math.min(to, range.to);
    for (let mark = first; mark < end; mark += lengthMs) {
      starts.push({ instant: Math.max(mark, from), offset });
    }
  }
  return starts;
}

function dateStarts(
  segments: readonly Segment[],
  interval: "day" | "week" | "month",
  range: Range,
): Start[] {
  const starts: Start[] = [];
  let at = 0;
  let local = dateOf(interval, range.from + offsetAt(segments, range.from));
  for (;;) {
    while (at < segments.length && local - segments[at]!.offset >= segments[at]!.to) at++;
    const segment = segments[at];
    if (segment === undefined) return starts;
    const instant = Math.max(segment.from, local - segment.offset);
    if (instant >= range.to) return starts;
    const start = { instant, offset: segment.offset };
    const previous = starts.at(-1);
    // A period that ended before the range (a clock turned back shows its date again), or that was
    // skipped, is replaced by its successor.
    if (previous !== undefined && (instant <= range.from || previous.instant === instant)) {
      starts[starts.length - 1] = start;
    } else {
      starts.push(start);
    }
    local = nextDate(interval, local);
  }
}

function offsetAt(segments: readonly Segment[], instant: number): number {
  return segments.find(({ to }) => instant < to)!.offset;
}

/**
 * The first instant of the date, week or month that holds an instant; both in local time written as
 * if UTC.
 */
function dateOf(interval: "day" | "week" | "month", local: number): number {
  const day = Math.floor(local / dayMs);
  if (interval === "day") return day * dayMs;
  // Day 0, 1970-01-01, was a Thursday.
  if (interval === "week") return (day - ((((day + 3) % 7) + 7) % 7)) * dayMs;
  return monthStart(local, 0);
}

function nextDate(interval: "day" | "week" | "month", local: number): number {
  if (interval === "month") return monthStart(local, 1);
  return local + (interval === "week" ? 7 * dayMs : dayMs);
}

/** Does not use `Date.UTC`, which takes the years 0 to 99 for those of the 20th century. */
function monthStart(local: number, monthsOn: number): number {
  const date = new Date(local);
  date.setUTCMonth(date.getUTCMonth() + monthsOn, 1);
  return date.setUTCHours(0, 0, 0, 0);
}

/**
 * Returns a writer of RFC 3339 that is fast for ascending instants. Offsets of no whole minutes
 * (before 1973) are rounded up; the instant and the zone's date stay right. Years of more than four
 * digits are written in UTC, where they have four.
 */
function rfc3339Writer(): (instant: number, offset: number) => string {
  let knownDay = NaN;
  let date = "";
  let knownOffset = NaN;
  let zone = "";
  return (instant, offset) => {
    if (offset !== knownOffset) {
      knownOffset = offset;
      zone = writeOffset(Math.ceil(offset / minuteMs));
    }
    const local = instant + Math.ceil(offset / minuteMs) * minuteMs;
    if (local > lastInstant) return new Date(instant).toISOString().replace(".000Z", "Z");
    const day = Math.floor(local / dayMs);
    if (day !== knownDay) {
      knownDay = day;
      date = new Date(day * dayMs).toISOString().slice(0, -"00:00:00.000Z".length);
    }
    const second = Math.floor((local - day * dayMs) / 1_000);
    const minute = Math.floor(second / 60);
    return `${date}${two(Math.floor(minute / 60))}:${two(minute % 60)}:${two(second % 60)}${zone}`;
  };
}

function writeOffset(minutes: number): string {
  if (minutes === 0) return "Z";
  const size = Math.abs(minutes);
  return `${minutes < 0 ? "-" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

const twoDigits = Array.from({ length: 60 }, (_, number) => String(number).padStart(2, "0"));

function two(number: number): string {
  return twoDigits[number]!;
}
