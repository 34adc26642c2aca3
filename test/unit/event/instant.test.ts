import fc from "fast-check";
import {
  firstInstant,
  instantText,
  lastInstant,
  parseInstant,
  rfc3339,
} from "../../../lib/event/instant.ts";

const dates = fc.date({
  min: new Date(firstInstant),
  max: new Date(lastInstant),
  noInvalidDate: true,
});
const daysMs = (days: number) => days * 86_400_000;
const two = (number: number) => String(number).padStart(2, "0");

describe("an instant in RFC 3339", () => {
  test("is what Date writes, at any time of the years 1 to 9999", () => {
    fc.assert(
      fc.property(dates, (date) => {
        expect(parseInstant(date.toISOString())).toBe(date.getTime());
      }),
      { numRuns: 2_000 },
    );
  });

  test("is written as Date writes it, one after the other of any days", () => {
    const close = fc.oneof(fc.nat(120_000), fc.integer({ min: 0, max: 100 }).map(daysMs));
    fc.assert(
      fc.property(dates, fc.array(close), (date, steps) => {
        const instants = [0, ...steps].map((step) => Math.min(date.getTime() + step, lastInstant));
        const expected = instants.map((instant) => new Date(instant).toISOString());
        expect(instants.map(instantText)).toEqual(expected);
      }),
      { numRuns: 1_000 },
    );
  });

  test("means the same in every offset", () => {
    fc.assert(
      fc.property(dates, fc.integer({ min: -1_439, max: 1_439 }), (date, minutes) => {
        const local = new Date(date.getTime() + minutes * 60_000);
        fc.pre(local.getTime() >= firstInstant && local.getTime() <= lastInstant);
        const offset = `${minutes < 0 ? "-" : "+"}${two(Math.floor(Math.abs(minutes) / 60))}:${two(Math.abs(minutes) % 60)}`;
        expect(parseInstant(local.toISOString().replace("Z", offset))).toBe(date.getTime());
      }),
    );
  });

  test("is refused on days that the calendar does not have, and only on those", () => {
    const field = fc.integer({ min: 0, max: 99 });
    const day = fc.tuple(
      fc.integer({ min: 1, max: 9_999 }),
      field,
      fc.integer({ min: 0, max: 40 }),
    );
    fc.assert(
      fc.property(day, ([year, month, date]) => {
        const text = `${String(year).padStart(4, "0")}-${two(month)}-${two(date)}T00:00:00Z`;
        const real = new Date(0);
        real.setUTCFullYear(year, month - 1, date);
        const exists = real.getUTCMonth() === month - 1 && real.getUTCDate() === date;
        expect(parseInstant(text)).toBe(exists ? real.getTime() : undefined);
      }),
      {
        numRuns: 2_000,
        examples: [[[2024, 2, 29]], [[2023, 2, 29]], [[1900, 2, 29]], [[2000, 2, 29]]],
      },
    );
  });

  test.each([
    ["2026-01-31t10:20:30z", "2026-01-31T10:20:30.000Z"],
    ["2026-01-31T10:20:30.1Z", "2026-01-31T10:20:30.100Z"],
    ["2026-01-31T10:20:30.123999999Z", "2026-01-31T10:20:30.123Z"],
    ["1969-12-31T23:59:59.9999Z", "1969-12-31T23:59:59.999Z"],
    ["2026-01-31T10:20:30-00:00", "2026-01-31T10:20:30.000Z"],
    ["2026-01-31T00:00:00+23:59", "2026-01-30T00:01:00.000Z"],
  ])("%s is %s", (text, instant) => {
    expect(new Date(rfc3339(text)).toISOString()).toBe(instant);
  });

  test.each([
    ["2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000Z"],
    ["2016-12-31T23:59:60.5Z", "2017-01-01T00:00:00.500Z"],
    ["2017-01-01T05:29:60+05:30", "2017-01-01T00:00:00.000Z"],
  ])("the leap second %s is the second after it, %s", (text, instant) => {
    expect(new Date(rfc3339(text)).toISOString()).toBe(instant);
  });

  test.each([
    "2026-01-31T10:20:60Z",
    "2026-01-30T23:59:60Z",
    "2026-01-31T10:20:61Z",
    "2026-01-31T24:00:00Z",
    "2026-01-31T10:60:00Z",
    "2026-01-31T10:20:30",
    "2026-01-31 10:20:30Z",
    "2026-01-31T10:20:30.Z",
    "2026-01-31T10:20:30,5Z",
    "2026-01-31T10:20:30+24:00",
    "2026-01-31T10:20:30+05:60",
    "2026-01-31T10:20:30+0530",
    "2026-01-31T10:20:30Z ",
    " 2026-01-31T10:20:30Z",
    "2026-01-31T10:20Z",
    "2026-01-31",
    "+02026-01-31T10:20:30Z",
    "-0001-01-31T10:20:30Z",
    "２０２６-01-31T10:20:30Z",
    "0000-12-31T23:59:59Z",
    "0001-01-01T00:00:00+00:01",
    "9999-12-31T23:59:59-00:01",
    `2026-01-31T10:20:30.${"0".repeat(60)}Z`,
    "1769854830123",
    "",
  ])("%j is none", (text) => {
    expect(parseInstant(text)).toBeUndefined();
  });

  test("any text is read or refused", () => {
    const nearly = fc.stringMatching(
      /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d*)?([Zz]|[+-]\d\d:\d\d)?$/,
    );
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), nearly), (text) => {
        const instant = parseInstant(text);
        // Date is more generous than RFC 3339, but where both read a text they agree.
        if (instant !== undefined && !text.includes(":60")) {
          expect(instant).toBe(Date.parse(text.toUpperCase()));
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("an instant in epoch milliseconds", () => {
  test.each([0, -1, 1_769_854_830_123, firstInstant, lastInstant])("%d is itself", (number) => {
    expect(parseInstant(number)).toBe(number);
  });

  test("is never -0, which JSON cannot carry", () => {
    expect(parseInstant(-0)).toBe(0);
  });

  test.each([0.5, NaN, Infinity, firstInstant - 1, lastInstant + 1, 1n, null, undefined, true, {}])(
    "%p is none",
    (value) => {
      expect(parseInstant(value)).toBeUndefined();
    },
  );
});
