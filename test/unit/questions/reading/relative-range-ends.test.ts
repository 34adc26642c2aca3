import fc from "fast-check";
import { Temporal } from "temporal-polyfill";
import {
  rangeWords,
  resolveRange,
  type Last,
  type RelativeRange,
} from "../../../../lib/questions/reading/relative-range.ts";

const zones = [
  "UTC",
  "Europe/Berlin",
  "America/New_York",
  "America/Sao_Paulo",
  "Asia/Kathmandu",
  "Asia/Beirut",
  "Africa/Cairo",
  "Australia/Lord_Howe",
  "Pacific/Apia",
  "Pacific/Chatham",
] as const;

const hourMs = 3_600_000;
const clock = (instant: number, zone: string) =>
  Temporal.Instant.fromEpochMilliseconds(instant).toZonedDateTimeISO(zone);

const instants = fc.oneof(
  fc.integer({ min: Date.UTC(1975, 0), max: Date.UTC(2037, 0) }),
  // Around changes of clocks over midnight, and a date that was skipped.
  fc
    .tuple(
      fc.constantFrom(
        Date.UTC(2026, 9, 25),
        Date.UTC(2018, 10, 4, 3),
        Date.UTC(2011, 11, 30, 10),
        Date.UTC(2023, 3, 27, 22),
        Date.UTC(2024, 2, 30, 22),
      ),
      fc.integer({ min: -40 * hourMs, max: 40 * hourMs }),
    )
    .map(([change, shift]) => change + shift),
);

const relatives: fc.Arbitrary<RelativeRange> = fc.oneof(
  fc.constantFrom(...rangeWords),
  fc.record({
    count: fc.integer({ min: 1, max: 400 }),
    unit: fc.constantFrom<Last["unit"]>("m", "h", "d"),
  }),
);

/** The same by Temporal's own arithmetic. */
function byTemporal(relative: RelativeRange, zone: string, now: number) {
  const here = clock(now, zone);
  const today = here.toPlainDate();
  const between = (from: Temporal.PlainDate, to: Temporal.PlainDate) => ({
    from: startOfDate(from, zone),
    to: startOfDate(to, zone),
  });
  const minuteEnd = here
    .round({ smallestUnit: "minute", roundingMode: "floor" })
    .add({ minutes: 1 }).epochMilliseconds;
  if (typeof relative === "object") {
    const { count, unit } = relative;
    if (unit === "d") return between(today.subtract({ days: count - 1 }), today.add({ days: 1 }));
    return { from: minuteEnd - count * (unit === "h" ? hourMs : hourMs / 60), to: minuteEnd };
  }
  const monday = today.subtract({ days: today.dayOfWeek - 1 });
  const month = today.with({ day: 1 });
  const year = today.with({ month: 1, day: 1 });
  switch (relative) {
    case "today":
      return between(today, today.add({ days: 1 }));
    case "yesterday":
      return between(today.subtract({ days: 1 }), today);
    case "this_week":
      return between(monday, monday.add({ weeks: 1 }));
    case "last_week":
      return between(monday.subtract({ weeks: 1 }), monday);
    case "this_month":
      return between(month, month.add({ months: 1 }));
    case "last_month":
      return between(month.subtract({ months: 1 }), month);
    case "month_to_date":
      return { from: startOfDate(month, zone), to: minuteEnd };
    case "this_year":
      return between(year, year.add({ years: 1 }));
    case "all":
      return {};
  }
}

function startOfDate(date: Temporal.PlainDate, zone: string): number {
  return date.toZonedDateTime(zone).startOfDay().epochMilliseconds;
}

test("relative ranges are those of the zone's calendar, by Temporal's arithmetic too", () => {
  fc.assert(
    fc.property(relatives, fc.constantFrom(...zones), instants, (relative, zone, now) => {
      // A clock that goes back over midnight shows a date twice; which one an instant belongs to then, the calendar's tests tell.
      const here = clock(now, zone);
      fc.pre(startOfDate(here.toPlainDate().add({ days: 1 }), zone) > now);
      expect(resolveRange(relative, zone, now)).toEqual(byTemporal(relative, zone, now));
    }),
    { numRuns: 1_000 },
  );
});

test("whatever is under way lies within its range, and the same minute makes the same range", () => {
  const holding = relatives.filter(
    (range) =>
      typeof range === "object" || !["all", "yesterday", "last_week", "last_month"].includes(range),
  );
  fc.assert(
    fc.property(holding, fc.constantFrom(...zones), instants, (relative, zone, now) => {
      const { from, to } = resolveRange(relative, zone, now);
      expect(from).toBeLessThanOrEqual(now);
      expect(to).toBeGreaterThan(now);
      expect(resolveRange(relative, zone, now - (now % 60_000))).toEqual({ from, to });
    }),
  );
});

test("25 October in Berlin has 25 hours, 29 March 23, and a day without midnight begins later", () => {
  const hoursOf = (zone: string, now: string) => {
    const { from = NaN, to = NaN } = resolveRange("today", zone, Date.parse(now));
    return (to - from) / hourMs;
  };
  expect(hoursOf("Europe/Berlin", "2026-10-25T12:00:00Z")).toBe(25);
  expect(hoursOf("Europe/Berlin", "2026-03-29T12:00:00Z")).toBe(23);
  expect(hoursOf("Africa/Cairo", "2024-04-26T12:00:00Z")).toBe(23);
  const cairo = resolveRange("today", "Africa/Cairo", Date.parse("2024-04-26T12:00:00Z"));
  expect(clock(cairo.from!, "Africa/Cairo").toPlainTime().toString()).toBe("01:00:00");
});
