import fc from "fast-check";
import { axisOf } from "../../../page/pure/axis.ts";
import * as format from "../../../page/pure/format.ts";

beforeEach(() => format.useLanguage("en-US"));

test.each(["en", "en-US", "en-GB", "en-CA", "en-AU", "de", "de-DE", "fr-FR", "en-IN"])(
  "numbers of %s are those of Intl",
  (language) => {
    format.useLanguage(language);
    const [whole, one, two, most] = [
      [0, 0],
      [1, 1],
      [2, 2],
      [0, 2],
    ].map(([least, largest = 0]) => {
      const digits = { minimumFractionDigits: least, maximumFractionDigits: largest };
      const written = new Intl.NumberFormat(language, digits);
      // What is shown as 0 has no sign.
      const rounded = (value: number) => (Math.abs(value) < 0.5 * 10 ** -largest ? 0 : value);
      return (value: number) => written.format(rounded(value)).replace(/-/g, "−");
    });
    const value = fc.oneof(
      fc.double(),
      fc.integer(),
      fc.integer().map((cents) => cents / 1_000),
      fc.double({ min: -100, max: 100, noNaN: true }),
      fc.constantFrom(0, -0, 0.005, 1.005, 0.995, 99.995, 999.995, 1e15, 1e21, -1e-7),
    );
    fc.assert(
      fc.property(value, (any) => {
        if (any === 0 || Math.abs(any) >= 0.1) expect(format.number(any)).toBe(most!(any));
        const isEdge = (any > 0 && any < 0.005) || (any >= 0.995 && any < 1);
        if (!isEdge) {
          expect(format.roundPercent(any)).toBe(`${whole!(any * 100)} %`);
          const rate = any !== 0 && Math.abs(any) < 0.01 ? two! : one!;
          expect(format.percent(any)).toBe(`${rate(any * 100)} %`);
        }
      }),
    );
  },
);

test("numbers are whole, with the minus of typography; what is not known is a dash", () => {
  expect(format.number(1_234_567)).toBe("1,234,567");
  expect(format.number(-3.456)).toBe("−3.46");
  expect(format.number(null)).toBe("–");
  expect([format.short(2_500), format.short(12_000_000), format.short(0)]).toEqual([
    "2.5k",
    "12M",
    "0",
  ]);
});

test("small fractions keep two digits that are not 0; what is shown as 0 has no minus", () => {
  const values = [0.1234, 0.0999, 0.0123, 0.0042, -0.00042, 1e-9, -1e-12, -0, -0.004];
  expect(values.map(format.number)).toEqual([
    ...["0.12", "0.1", "0.012", "0.0042", "−0.00042", "0.000000001"],
    ...["0", "0", "−0.004"],
  ]);
  expect(format.roundPercent(-0.001)).toBe("0 %");
});

test("lines of an axis are told apart, however small or large", () => {
  for (const [most, texts] of [
    [0.5, ["0", "0.125", "0.25", "0.375", "0.5"]],
    [0.003, ["0", "7.5e−4", "0.0015", "0.00225", "0.003"]],
    [2e-7, ["0", "5e−8", "1e−7", "1.5e−7", "2e−7"]],
    [5_000, ["0", "1.25k", "2.5k", "3.75k", "5k"]],
    [3e13, ["0", "7.5T", "15T", "22.5T", "30T"]],
  ] as const) {
    expect(axisOf([0, most], false).map(format.short)).toEqual(texts);
  }
});

test("percent has one digit, below 1 % two; a part is neither nothing nor all", () => {
  expect([0.1834, 0.0042, 0.00004, 0, 1, 0.9994, 0.9996].map(format.percent)).toEqual([
    ...["18.3 %", "0.42 %", "< 0.01 %", "0.0 %", "100.0 %", "99.9 %", "> 99.9 %"],
  ]);
  expect([0, 0.004, 0.005, 0.994, 0.996, 1].map(format.roundPercent)).toEqual([
    ...["0 %", "< 1 %", "1 %", "99 %", "> 99 %", "100 %"],
  ]);
});

test("a change from nothing is new, from nothing to nothing a dash", () => {
  expect(format.change(1276, 1000)).toBe("+27.6 %");
  expect(format.change(969, 1000)).toBe("−3.1 %");
  expect(format.change(5, 0)).toBe("new");
  expect(format.change(0, 0)).toBe("–");
  // A sum of 0 is not none.
  expect(format.change(5, 0, false)).toBe("–");
  expect(format.change(-15, -10, false)).toBe("−50.0 %");
  expect(format.changeInWords(900, 1000)).toBe("10.0 % less");
  expect(format.changeInWords(9_990, 1000)).toBe("899.0 % more");
  expect(format.changeInWords(18_976, 703)).toBe("27 times as many");
  expect(format.points(0.183, 0.171)).toBe("+1.2 points");
});

test("times are in the units that people say", () => {
  const texts = [0, 400, 42_000, 480_000, 11_520_000, 187_200_000].map(format.duration);
  expect(texts).toEqual(["0 s", "0.4 s", "42 s", "8 min", "3 h 12 min", "2 d 4 h"]);
});

test("periods are named by the answer's own text: no zone is applied", () => {
  expect(format.periodName("2026-11-15T00:00:00+01:00", "day")).toBe("Sun 15 November");
  expect(format.periodName("2026-10-25T02:00:00+01:00", "hour", { withOffset: true })).toBe(
    "Sun 25 October, 02:00 (UTC+01:00)",
  );
  expect(format.periodName("2026-11-09T00:00:00+13:00", "week")).toBe("Week of 9 November");
});

test("a period of another year than the last one has its year, on the axis where the year is new", () => {
  const beside = "2026-11-23T00:00:00Z";
  const names = (["day", "week", "hour"] as const).map((per) =>
    format.periodName("2025-11-24T00:00:00Z", per, { beside }),
  );
  expect(names).toEqual([
    "Mon 24 November 2025",
    "Week of 24 November 2025",
    "Mon 24 November 2025, 00:00",
  ]);
  const ticks = (per: format.Period, ...times: readonly string[]) =>
    times.map((time, at) => format.periodTick(`${time}T00:00:00Z`, per, true, times[at - 1]));
  expect(ticks("week", "2025-12-22", "2025-12-29", "2026-01-05", "2026-01-12")).toEqual([
    ...["22 Dec", "29 Dec", "5 Jan 2026", "12 Jan"],
  ]);
  expect(ticks("month", "2025-11-01", "2025-12-01", "2026-01-01")).toEqual([
    ...["Nov 2025", "Dec", "Jan 2026"],
  ]);
  expect(ticks("hour", "2025-12-31", "2026-01-01")).toEqual(["31 Dec", "1 Jan 2026"]);
});
