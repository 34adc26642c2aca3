import fc from "fast-check";
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
    ].map(([least, largest]) => {
      const digits = { minimumFractionDigits: least, maximumFractionDigits: largest };
      const written = new Intl.NumberFormat(language, digits);
      return (value: number) => written.format(value).replace(/-/g, "−");
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
        expect(format.number(any)).toBe(most!(any));
        expect(format.roundPercent(any)).toBe(`${whole!(any * 100)} %`);
        const rate = any !== 0 && Math.abs(any) < 0.01 ? two! : one!;
        const least = any > 0 && any < 0.00005;
        expect(format.percent(any)).toBe(least ? `< ${two!(0.01)} %` : `${rate(any * 100)} %`);
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

test("percent has one digit, below 1 % two", () => {
  expect([0.1834, 0.0042, 0.00004, 0, 1].map(format.percent)).toEqual([
    "18.3 %",
    "0.42 %",
    "< 0.01 %",
    "0.0 %",
    "100.0 %",
  ]);
});

test("a change from nothing is new, from nothing to nothing a dash", () => {
  expect(format.change(1276, 1000)).toBe("+27.6 %");
  expect(format.change(969, 1000)).toBe("−3.1 %");
  expect(format.change(5, 0)).toBe("new");
  expect(format.change(0, 0)).toBe("–");
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
  expect(format.periodName("2026-10-25T02:00:00+01:00", "hour", true)).toBe(
    "Sun 25 October, 02:00 (UTC+01:00)",
  );
  expect(format.periodName("2026-11-09T00:00:00+13:00", "week")).toBe("Week of 9 November");
});
