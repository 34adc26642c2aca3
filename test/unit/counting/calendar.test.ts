import fc from "fast-check";
import { Temporal } from "temporal-polyfill";
import {
  countPeriods,
  intervals,
  isZone,
  periods,
  periodsUpTo,
  type Interval,
} from "../../../lib/counting/calendar.ts";
import { firstInstant, lastInstant } from "../../../lib/event/instant.ts";

const zones = [
  "UTC",
  "Asia/Kolkata",
  "Asia/Kathmandu",
  "America/New_York",
  "America/St_Johns",
  "America/Sao_Paulo",
  "America/Caracas",
  "Africa/Casablanca",
  "Africa/Monrovia",
  "Australia/Lord_Howe",
  "Europe/London",
  "Pacific/Apia",
  "Pacific/Kwajalein",
] as const;

const dayMs = 86_400_000;
const spans: Readonly<Record<Interval, number>> = {
  minute: dayMs / 8,
  hour: 8 * dayMs,
  day: 120 * dayMs,
  week: 400 * dayMs,
  month: 2_000 * dayMs,
};

const cases = fc
  .record({
    interval: fc.constantFrom(...intervals),
    zone: fc.constantFrom(...zones),
    // Around changes of some clock, anywhere from 1965 on, or in a far year.
    from: fc.oneof(
      fc.integer({ min: Date.UTC(1965, 0), max: Date.UTC(2035, 0) }),
      fc.integer({ min: Date.UTC(2136, 0), max: Date.UTC(9_990, 0) }),
      fc
        .tuple(
          fc.constantFrom(
            Date.UTC(1972, 0, 7),
            Date.UTC(1993, 7, 21),
            Date.UTC(2010, 10, 7),
            Date.UTC(2011, 11, 30, 10),
            Date.UTC(2018, 10, 4, 3),
            Date.UTC(2024, 2, 10, 7),
            Date.UTC(2024, 3, 6, 15),
            Date.UTC(2024, 9, 5, 15, 30),
          ),
          fc.integer({ min: -dayMs, max: dayMs }),
        )
        .map(([change, shift]) => change + shift),
    ),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .map(({ interval, zone, from, share }) => ({
    interval,
    zone,
    range: { from, to: from + 1 + Math.floor(share * spans[interval]) },
  }));

function at(instant: number, zone: string): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(instant).toZonedDateTimeISO(zone);
}

/** The start of the period after the one whose true start is given, by the calendar of Temporal. */
function dateAfter(start: Temporal.ZonedDateTime, interval: "day" | "week" | "month"): number {
  const zone = start.timeZoneId;
  const date = start.toPlainDate();
  const step = { day: { days: 1 }, week: { weeks: 1 }, month: { months: 1 } }[interval];
  return date.add(step).toZonedDateTime(zone).epochMilliseconds;
}

test("periods cover the range once, without a gap, and are never more than estimated", () => {
  fc.assert(
    fc.property(cases, ({ interval, zone, range }) => {
      const found = periods(interval, zone, range);
      expect(found[0]?.start).toBe(range.from);
      expect(found.at(-1)?.end).toBe(range.to);
      found.forEach(({ start, end }, i) => {
        expect(start).toBeLessThan(end);
        if (i > 0) expect(start).toBe(found[i - 1]!.end);
      });
      expect(new Set(found.map(({ time }) => time)).size).toBe(found.length);
      const estimate = countPeriods(interval, range);
      expect(estimate).toBeGreaterThanOrEqual(found.length);
      expect(estimate).toBeLessThanOrEqual(found.length * 1.002 + 40);
    }),
    { numRuns: 300 },
  );
});

test("as many periods as a limit are built, and one more is too many", () => {
  fc.assert(
    fc.property(cases, ({ interval, zone, range }) => {
      const found = periods(interval, zone, range);
      expect(periodsUpTo(found.length, interval, zone, range)).toEqual({ periods: found });
      const refused = periodsUpTo(found.length - 1, interval, zone, range);
      expect(refused).toEqual({ atLeast: found.length });
    }),
    { numRuns: 300 },
  );
});

// Years with changes of the clock by an hour, by half an hour and by a day.
const longZones = ["Europe/Berlin", "Australia/Lord_Howe", "America/St_Johns", "Pacific/Apia"];

test.each(
  (["minute", "hour", "day", "week", "month"] as const).flatMap((interval) =>
    longZones.map((zone) => [interval, zone] as const),
  ),
)("10,000 periods of a %s in %s are no more than 10,000", (interval, zone) => {
  const years = { minute: 0.1, hour: 2, day: 28, week: 193, month: 835 }[interval];
  const from = Date.UTC(interval === "month" ? 1_500 : 2_001, 8, 20);
  const all = periods(interval, zone, { from, to: from + years * 366 * dayMs });
  const exactly = { from, to: all[9_999]!.end };
  expect(periodsUpTo(10_000, interval, zone, exactly)).toEqual({ periods: all.slice(0, 10_000) });
  const more = { from, to: exactly.to + 1 };
  expect(periodsUpTo(10_000, interval, zone, more)).toEqual({ atLeast: 10_001 });
});

test("far too many periods are refused without walking them", () => {
  const all = { from: firstInstant, to: lastInstant };
  for (const interval of intervals) {
    const atLeast = expect.any(Number) as number;
    expect(periodsUpTo(10_000, interval, "Europe/Berlin", all)).toEqual({ atLeast });
  }
  expect(periodsUpTo(0, "hour", "UTC", { from: 5, to: -1e12 })).toEqual({ periods: [] });
});

test("time is the true start, also of a first period that began before the range", () => {
  fc.assert(
    fc.property(cases, ({ interval, zone, range }) => {
      periods(interval, zone, range).forEach(({ start, time }, i) => {
        expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)$/);
        const trueStart = Date.parse(time);
        if (i > 0) expect(trueStart).toBe(start);
        else expect(trueStart).toBeLessThanOrEqual(start);
        const clock = at(trueStart, zone);
        if (clock.offsetNanoseconds % 60e9 === 0) {
          expect(time.replace("Z", "+00:00")).toBe(
            clock.toString({ timeZoneName: "never", smallestUnit: "second" }),
          );
        }
      });
    }),
    { numRuns: 200 },
  );
});

test("a day, a week or a month is that of the zone's calendar", () => {
  const dated = cases.filter(({ interval }) => interval !== "hour" && interval !== "minute");
  fc.assert(
    fc.property(dated, ({ interval, zone, range }) => {
      if (interval === "hour" || interval === "minute") return;
      for (const { end, time } of periods(interval, zone, range)) {
        const start = at(Date.parse(time), zone);
        expect(start.epochMilliseconds).toBe(start.startOfDay().epochMilliseconds);
        // A first of the month or a Monday may have been skipped: none was in these zones and years.
        if (interval === "week") expect(start.dayOfWeek).toBe(1);
        if (interval === "month") expect(start.day).toBe(1);
        let next = dateAfter(start, interval);
        // Of a skipped date the start is that of the date after it.
        if (interval === "day" && next === start.epochMilliseconds) next += dayMs;
        expect(end).toBe(Math.min(next, range.to));
      }
    }),
    { numRuns: 150 },
  );
});

test("an hour or a minute has one offset, one mark of the clock, and all of both", () => {
  const timed = cases.filter(({ interval }) => interval === "hour" || interval === "minute");
  fc.assert(
    fc.property(timed, ({ interval, zone, range }) => {
      const length = interval === "hour" ? 3_600_000 : 60_000;
      const mark = (instant: number) => {
        const offset = at(instant, zone).offsetNanoseconds / 1e6;
        return `${offset} ${Math.floor((instant + offset) / length)}`;
      };
      const found = periods(interval, zone, range);
      for (const { start, end } of found) expect(mark(end - 1)).toBe(mark(start));
      const marks = found.map(({ start }) => mark(start));
      expect(new Set(marks).size).toBe(marks.length);
    }),
    { numRuns: 150 },
  );
});

test("zones are names of IANA's", () => {
  for (const name of [...zones, "utc", "Etc/GMT+3", "America/Argentina/Buenos_Aires", "EST5EDT"]) {
    expect(isZone(name)).toBe(true);
  }
  for (const name of [
    "",
    "+05:30",
    "Z",
    "Mars/Base",
    "2024-01-01T00:00Z",
    "__proto__",
    "a".repeat(99),
  ]) {
    expect(isZone(name)).toBe(false);
  }
});
