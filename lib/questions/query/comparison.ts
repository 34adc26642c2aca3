import { Temporal } from "temporal-polyfill";
import type { Range } from "../../event/filter.ts";
import type { Interval, Period } from "../../counting/calendar.ts";

/**
 * The range that ends where this one begins and is as long on the calendar of a zone. A range of
 * whole months (both ends on one day of the month, at one time of the clock) is preceded by as many
 * months: before March comes February. Any other range is preceded by as many days, whatever the
 * clock did on them, and by as much time of the day. A day begins when the clock first shows its
 * date, where midnight is skipped as well.
 */
export function previousRange(zone: string, { from, to }: Range): Range {
  const clock = (instant: number) =>
    Temporal.Instant.fromEpochMilliseconds(instant).toZonedDateTimeISO(zone);
  const [start, end] = [clock(from), clock(to)];
  const before =
    isStartOfDay(start) && isStartOfDay(end)
      ? asLongBefore(start.toPlainDate(), end.toPlainDate()).toZonedDateTime(zone)
      : asLongBefore(start, end);
  return { from: before.epochMilliseconds, to: from };
}

function isStartOfDay(time: Temporal.ZonedDateTime): boolean {
  return time.equals(time.startOfDay());
}

/** What `Temporal.PlainDate` and `Temporal.ZonedDateTime` have in common here. */
interface OnCalendar<Self> {
  readonly day: number;
  until(other: Self, options: { readonly largestUnit: "month" | "day" }): Temporal.Duration;
  add(duration: { readonly months: number }): Self;
  subtract(duration: Temporal.Duration | { readonly months: number }): Self;
  equals(other: Self): boolean;
}

function asLongBefore<T extends OnCalendar<T>>(start: T, end: T): T {
  const { months } = start.until(end, { largestUnit: "month" });
  const before = start.subtract({ months });
  // A month without such a day would make the comparison longer or shorter.
  const isWhole = months > 0 && start.add({ months }).equals(end) && before.day === start.day;
  return isWhole ? before : start.subtract(start.until(end, { largestUnit: "day" }));
}

/** A period of a range beside its counterpart in the range before, by their indexes. */
export interface Pair {
  readonly now?: number;
  readonly before?: number;
}

/**
 * Pairs the periods of a range with those of the range before: days by their number, months by
 * their number, hours and minutes by the time of the clock (a repeated time separately). The
 * range's own periods come first, in their order, then periods that only the range before has.
 */
export function pairsOf(
  interval: Interval,
  now: readonly Period[],
  before: readonly Period[],
): readonly Pair[] {
  const earlier = new Map(placesOf(interval, before).map((place, i) => [place, i]));
  const pairs: Pair[] = placesOf(interval, now).map((place, i) => {
    const counterpart = earlier.get(place);
    earlier.delete(place);
    return { now: i, ...(counterpart !== undefined && { before: counterpart }) };
  });
  return [...pairs, ...earlier.values().map((index) => ({ before: index }))];
}

const lengths = { minute: 60_000, hour: 3_600_000, day: 86_400_000, week: 604_800_000 };

/**
 * The distance of each period from the first one on the calendar, and how many periods before it
 * had the same distance.
 */
function placesOf(interval: Interval, periods: readonly Period[]): readonly string[] {
  const seen = new Map<number, number>();
  const first = periods[0] === undefined ? 0 : placeOf(interval, periods[0]);
  return periods.map((period) => {
    const place = placeOf(interval, period) - first;
    const times = seen.get(place) ?? 0;
    seen.set(place, times + 1);
    return `${place} ${times}`;
  });
}

/** The number of the period on its zone's calendar. */
function placeOf(interval: Interval, { time }: Period): number {
  const local = Date.parse(time.replace(/[+-]\d\d:\d\d$/, "Z"));
  if (interval === "month") {
    const date = new Date(local);
    return 12 * date.getUTCFullYear() + date.getUTCMonth();
  }
  // A week begins on a Monday; day 0, 1970-01-01, was a Thursday.
  const shift = interval === "week" ? 3 * lengths.day : 0;
  return Math.floor((local + shift) / lengths[interval]);
}
