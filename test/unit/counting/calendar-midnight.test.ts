import fc from "fast-check";
import { Temporal } from "temporal-polyfill";
import { periods, type Interval } from "../../../lib/counting/calendar.ts";

const minuteMs = 60_000;
const dayMs = 86_400_000;

/** Clocks that were set over midnight, or from one date to another, and when. */
const changes: readonly (readonly [zone: string, instant: string])[] = [
  ["America/St_Johns", "1988-10-30T01:31Z"],
  ["America/St_Johns", "2009-11-01T02:31Z"],
  ["America/St_Johns", "2010-03-14T03:31Z"],
  ["America/St_Johns", "2010-11-07T02:31Z"],
  ["America/Sao_Paulo", "2018-02-18T02:00Z"],
  ["America/Sao_Paulo", "2018-11-04T03:00Z"],
  ["America/Havana", "2024-03-10T05:00Z"],
  ["America/Havana", "2024-11-03T05:00Z"],
  ["Asia/Beirut", "2024-03-30T22:00Z"],
  ["Asia/Beirut", "2024-10-26T21:00Z"],
  ["Asia/Amman", "2014-03-27T22:00Z"],
  ["Africa/Cairo", "2024-04-25T22:00Z"],
  ["Africa/Cairo", "2024-10-31T21:00Z"],
  ["Pacific/Apia", "2011-12-30T10:00Z"],
  ["Pacific/Kwajalein", "1993-08-21T12:00Z"],
];

function clockOf(zone: string, instant: number): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(instant).toZonedDateTimeISO(zone);
}

/** The first date of the period that a date lies in. */
function firstDate(interval: Interval, date: Temporal.PlainDate): string {
  if (interval === "month") return date.with({ day: 1 }).toString();
  const back = interval === "week" ? date.dayOfWeek - 1 : 0;
  return date.subtract({ days: back }).toString();
}

/** The latest date that the clock has shown by then: a change may have set it back. */
function dateShown(zone: string, change: number, instant: number): Temporal.PlainDate {
  const now = clockOf(zone, instant).toPlainDate();
  if (instant < change) return now;
  const before = clockOf(zone, change - 1).toPlainDate();
  return Temporal.PlainDate.compare(now, before) < 0 ? before : now;
}

const cases = fc.record({
  change: fc.constantFrom(...changes),
  interval: fc.constantFrom<Interval>("day", "week", "month"),
  shift: fc.oneof(
    fc.integer({ min: -2 * dayMs, max: 2 * dayMs }),
    fc.integer({ min: -90, max: 90 }).map((minutes) => minutes * minuteMs),
  ),
  length: fc.oneof(
    fc.integer({ min: 1, max: 3 * dayMs }),
    fc.integer({ min: 1, max: 120 }).map((minutes) => minutes * minuteMs),
  ),
  place: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
});

test("each instant around a change of the clock is in one period, that of the latest date shown by then", () => {
  fc.assert(
    fc.property(cases, ({ change: [zone, at], interval, shift, length, place }) => {
      const change = Date.parse(at);
      const range = { from: change + shift, to: change + shift + length };
      const found = periods(interval, zone, range);
      for (const instant of [range.from, range.from + Math.floor(place * length), range.to - 1]) {
        const holding = found.filter(({ start, end }) => start <= instant && instant < end);
        expect(holding).toHaveLength(1);
        const { time } = holding[0]!;
        const date = Temporal.PlainDate.from(time.slice(0, "2010-11-07".length));
        const expected = firstDate(interval, dateShown(zone, change, instant));
        expect(firstDate(interval, date)).toBe(expected);
        expect(Date.parse(time)).toBe(
          clockOf(zone, Date.parse(time)).startOfDay().epochMilliseconds,
        );
      }
    }),
    { numRuns: 400 },
  );
});

test("the changes are changes", () => {
  for (const [zone, at] of changes) {
    const change = Date.parse(at);
    const before = clockOf(zone, change - 1).offsetNanoseconds;
    expect([zone, before === clockOf(zone, change).offsetNanoseconds]).toEqual([zone, false]);
  }
});
