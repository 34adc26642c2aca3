import fc from "fast-check";
import { periods, type Interval } from "../../../../lib/counting/calendar.ts";
import { pairsOf, previousRange } from "../../../../lib/questions/query/comparison.ts";
import { readQueryQuestion } from "../../../../lib/questions/query/question.ts";
import type { Range } from "../../../../lib/event/filter.ts";

const rangeOf = (from: string, to: string) => ({ from: Date.parse(from), to: Date.parse(to) });

function previous(zone: string, from: string, to: string): string {
  return new Date(previousRange(zone, rangeOf(from, to)).from).toISOString();
}

test.each([
  ["a month by the one before", "UTC", "2026-03-01T00:00Z", "2026-04-01T00:00Z", "2026-02-01"],
  ["a quarter by the one before", "UTC", "2026-01-01T00:00Z", "2026-04-01T00:00Z", "2025-10-01"],
  ["31 days from a 31st by 31 days", "UTC", "2026-03-31T00:00Z", "2026-05-01T00:00Z", "2026-02-28"],
  ["May without its last day by 30", "UTC", "2026-05-01T00:00Z", "2026-05-31T00:00Z", "2026-04-01"],
  ["two months from a 31st by days", "UTC", "2026-01-31T00:00Z", "2026-03-31T00:00Z", "2025-12-03"],
])("compares %s", (_, zone, from, to, before) => {
  expect(previous(zone, from, to)).toBe(`${before}T00:00:00.000Z`);
});

test("a day of 23 hours is compared with the whole day before", () => {
  expect(previous("Europe/Berlin", "2026-03-28T23:00Z", "2026-03-29T22:00Z")).toBe(
    "2026-03-27T23:00:00.000Z",
  );
});

test.each([
  ["Africa/Cairo", "2026-04-23T22:00Z", "2026-04-24T21:00Z", "2026-04-22T22:00"],
  ["Africa/Cairo", "2026-04-23T22:00Z", "2026-04-30T21:00Z", "2026-04-16T22:00"],
  ["America/Santiago", "2025-09-07T04:00Z", "2025-09-08T03:00Z", "2025-09-06T04:00"],
  ["America/Asuncion", "2023-10-01T04:00Z", "2023-11-01T03:00Z", "2023-09-01T04:00"],
  ["America/Havana", "2025-03-09T05:00Z", "2025-03-11T04:00Z", "2025-03-07T05:00"],
])(
  "a day of %s that begins after a skipped midnight, from %s, is whole",
  (zone, from, to, before) => {
    expect(previous(zone, from, to)).toBe(`${before}:00.000Z`);
  },
);

test("as many whole days, each in its row (days of zones that change at midnight)", () => {
  const zones = ["Africa/Cairo", "America/Santiago", "America/Havana", "America/Asuncion"];
  const dayMs = 86_400_000;
  fc.assert(
    fc.property(
      fc.constantFrom(...zones, "Europe/Berlin", "America/St_Johns"),
      fc.integer({ min: Date.UTC(2005, 0) / dayMs, max: Date.UTC(2027, 0) / dayMs }),
      fc.integer({ min: 1, max: 25 }),
      (zone, day, count) => {
        const around = { from: (day - 1) * dayMs, to: (day + count + 1) * dayMs };
        const own = periods("day", zone, around).slice(1, 1 + count);
        const range = { from: own[0]!.start, to: own.at(-1)!.end };
        const before = periods("day", zone, previousRange(zone, range));
        expect(before.map(({ start }) => start)).toEqual(
          periods("day", zone, { from: (day - 40) * dayMs, to: range.from })
            .slice(-count)
            .map(({ start }) => start),
        );
      },
    ),
    { numRuns: 300 },
  );
});

function pairs(interval: Interval, zone: string, range: Range) {
  const now = periods(interval, zone, range);
  const before = periods(interval, zone, previousRange(zone, range));
  return pairsOf(interval, now, before).map((pair) => [
    pair.now === undefined ? null : now[pair.now]!.time.slice(0, 16),
    pair.before === undefined ? null : before[pair.before]!.time.slice(0, 16),
  ]);
}

test("days that only one of two months has stand alone", () => {
  const march = pairs("day", "UTC", rangeOf("2026-03-01T00:00Z", "2026-04-01T00:00Z"));
  expect(march).toHaveLength(31);
  expect(march[27]).toEqual(["2026-03-28T00:00", "2026-02-28T00:00"]);
  expect(march.slice(28).map(([, before]) => before)).toEqual([null, null, null]);
  const february = pairs("day", "UTC", rangeOf("2026-02-01T00:00Z", "2026-03-01T00:00Z"));
  expect(february).toHaveLength(31);
  expect(february.slice(28)).toEqual([
    [null, "2026-01-29T00:00"],
    [null, "2026-01-30T00:00"],
    [null, "2026-01-31T00:00"],
  ]);
});

test("hours stand beside those of the same time where the clock changed", () => {
  const spring = pairs("hour", "Europe/Berlin", rangeOf("2026-03-28T23:00Z", "2026-03-29T22:00Z"));
  expect(spring).toHaveLength(24);
  expect(spring[2]).toEqual(["2026-03-29T03:00", "2026-03-28T03:00"]);
  expect(spring[23]).toEqual([null, "2026-03-28T02:00"]);
  const autumn = pairs("hour", "Europe/Berlin", rangeOf("2026-10-24T22:00Z", "2026-10-25T23:00Z"));
  expect(autumn).toHaveLength(25);
  expect(autumn.slice(2, 5)).toEqual([
    ["2026-10-25T02:00", "2026-10-24T02:00"],
    ["2026-10-25T02:00", null],
    ["2026-10-25T03:00", "2026-10-24T03:00"],
  ]);
});

test("each period of both ranges is in one pair (any range, any zone)", () => {
  const zones = ["UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Apia", "Australia/Lord_Howe"];
  const hourMs = 3_600_000;
  fc.assert(
    fc.property(
      fc.constantFrom("hour" as const, "day" as const, "week" as const, "month" as const),
      fc.constantFrom(...zones),
      fc.integer({ min: Date.UTC(2005, 0) / hourMs, max: Date.UTC(2027, 0) / hourMs }),
      fc.integer({ min: 1, max: 80 * 24 }),
      (interval, zone, hour, hours) => {
        const range = { from: hour * hourMs, to: (hour + hours) * hourMs };
        const earlier = previousRange(zone, range);
        expect(earlier.to).toBe(range.from);
        const now = periods(interval, zone, range);
        const before = periods(interval, zone, earlier);
        const found = pairsOf(interval, now, before);
        const all = (side: "now" | "before") =>
          found
            .map((pair) => pair[side])
            .filter((index) => index !== undefined)
            .sort((a, b) => a - b);
        expect(all("now")).toEqual([...now.keys()]);
        expect(all("before")).toEqual([...before.keys()]);
      },
    ),
    { numRuns: 300 },
  );
});

test("a comparison with years that no event can have is refused", () => {
  const read = (from: string) => () =>
    readQueryQuestion({ range: { from, to: "0003-01-01T00:00:00Z" }, compare: "previous_period" });
  expect(read("0002-01-01T00:00:00Z")).not.toThrow();
  const errors = [{ pointer: "/compare", code: "range", message: expect.any(String) as string }];
  const refusal = expect.objectContaining({ type: "VALIDATION", data: { errors } }) as Error;
  expect(read("0001-12-31T00:00:00Z")).toThrow(refusal);
});
