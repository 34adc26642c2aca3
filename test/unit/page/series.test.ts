import { axisOf, coloursOf, periodsOf } from "../../../page/pure/series.ts";
import { propertyHead, propertyName } from "../../../page/pure/filter.ts";
import { directionOf } from "../../../page/pure/metric.ts";
import { csvText } from "../../../page/pure/csv.ts";

const zone = "Europe/Berlin";
const day = (date: string, offset = "+01:00") => `${date}T00:00:00${offset}`;

test("a period is a part where asOf lies in it, and none where the range is over", () => {
  const times = [day("2026-11-24"), day("2026-11-25"), day("2026-11-26"), day("2026-11-27")];
  const range = { from: "2026-11-23T23:00:00.000Z", to: "2026-11-27T23:00:00.000Z" };
  const now = periodsOf(times, "day", { range, asOf: "2026-11-26T13:24:09.000Z", zone });
  expect([[...now.part], [...now.ahead]]).toEqual([[2], [3]]);
  const later = periodsOf(times, "day", { range, asOf: "2026-12-01T00:00:00.000Z", zone });
  expect([later.part.size, later.ahead.size]).toEqual([0, 0]);
});

test("a range that is not aligned has a part at both ends", () => {
  const times = [day("2026-11-24"), day("2026-11-25"), day("2026-11-26")];
  const range = { from: "2026-11-24T00:00:00.000Z", to: "2026-11-26T12:00:00.000Z" };
  const { part } = periodsOf(times, "day", { range, asOf: "2026-12-01T00:00:00.000Z", zone });
  expect([...part]).toEqual([0, 2]);
});

test("an axis begins at 0 and has four lines above it; few things are counted in whole steps", () => {
  expect(axisOf(2_310, true)).toEqual([0, 600, 1_200, 1_800, 2_400]);
  expect(axisOf(3, true)).toEqual([0, 1, 2, 3]);
  expect(axisOf(0, true)).toEqual([0, 1, 2, 3, 4]);
});

test("a type keeps its colour, the second of a clash takes a free one", () => {
  const colours = coloursOf(["email.bounced", "email.complained", "email.sent", "other"]);
  expect([...colours]).toEqual([
    ["email.bounced", "s6"],
    ["email.sent", "s1"],
    ["email.complained", "s2"],
    ["other", "s3"],
  ]);
});

test("a name that objects have of their own is one like others", () => {
  expect([...coloursOf(["constructor", "email.sent", "__proto__"])]).toEqual([
    ["email.sent", "s1"],
    ["constructor", "s2"],
    ["__proto__", "s3"],
  ]);
  expect(directionOf("constructor", 2, 1)).toBe(0);
  expect(propertyHead("constructor")).toBe("Constructor");
  expect(propertyName("data.toString")).toBe("toString");
});

test("cells that a spreadsheet would run are guarded, plain numbers are not", () => {
  expect(csvText([["=1+1", "-5", "a,b", 'say "x"', null]])).toBe(`'=1+1,-5,"a,b","say ""x""",\r\n`);
});
