import type { QueryAnswer, Row } from "../../../page/api/answers.ts";
import { allRows } from "../../../page/pure/all-rows.ts";
import { propertyHead, propertyName } from "../../../page/pure/filter.ts";
import { directionOf, ofNothing } from "../../../page/pure/metric.ts";
import { coloursOf, counterparts, nameOf, periodsOf } from "../../../page/pure/series.ts";
import { Temporal } from "temporal-polyfill";
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

test("all time cuts no period: one that is over is whole, though the last event came before its end", () => {
  const times = [day("2026-11-24"), day("2026-11-25"), day("2026-11-26")];
  const over = periodsOf(times, "day", {
    range: undefined,
    asOf: "2026-12-01T00:00:00.000Z",
    zone,
  });
  expect([over.part.size, over.ahead.size]).toEqual([0, 0]);
  const now = periodsOf(times, "day", { range: undefined, asOf: "2026-11-26T12:00:00.000Z", zone });
  expect([...now.part]).toEqual([2]);
});

test("periods of two years are told apart", () => {
  const times = [day("2025-11-24"), day("2026-11-23")];
  const periods = {
    times,
    per: "week" as const,
    part: new Set<number>(),
    ahead: new Set<number>(),
  };
  expect(times.map((_, place) => nameOf(periods, place))).toEqual([
    ...["Week of 24 November 2025", "Week of 23 November"],
  ]);
});

/** The hours of a day in Berlin, as the API writes them. */
function hoursOf(date: string): readonly string[] {
  const start = Temporal.PlainDate.from(date).toZonedDateTime(zone);
  return Array.from({ length: start.hoursInDay }, (_, hour) =>
    start.add({ hours: hour }).toString({ timeZoneName: "never" }),
  );
}

const paired = (date: string, before: string, days = 1) => {
  const [now, then] = [hoursOf(date), hoursOf(before)];
  return counterparts(now, then, "hour", days).map((place, index) => [
    now[index]!.slice(11, 13),
    place === undefined ? undefined : then[place]!.slice(11),
  ]);
};

test("an hour stands beside the one of the same clock, after days of 23 and 25 hours too", () => {
  const afterLong = paired("2026-10-26", "2026-10-25");
  expect(afterLong.slice(2, 4)).toEqual([
    ["02", "02:00:00+02:00"],
    ["03", "03:00:00+01:00"],
  ]);
  const long = paired("2026-10-25", "2026-10-24");
  expect(long.slice(2, 5)).toEqual([
    ["02", "02:00:00+02:00"],
    ["02", undefined],
    ["03", "03:00:00+02:00"],
  ]);
  const afterShort = paired("2026-03-30", "2026-03-29");
  expect(afterShort.slice(1, 4)).toEqual([
    ["01", "01:00:00+01:00"],
    ["02", undefined],
    ["03", "03:00:00+02:00"],
  ]);
  expect(paired("2026-03-29", "2026-03-22", 7).slice(1, 3)).toEqual([
    ["01", "01:00:00+01:00"],
    ["03", "03:00:00+01:00"],
  ]);
});

test("days and weeks stand beside the same weekdays, months by their number", () => {
  const days = [day("2026-10-26"), day("2026-10-27")];
  const before = [day("2025-10-27"), day("2025-10-28")];
  expect(counterparts(days, before, "day", 364)).toEqual([0, 1]);
  expect(counterparts(days, before.slice(1), "day", 364)).toEqual([undefined, 0]);
  expect(counterparts(days, before, "month", 364)).toEqual([0, 1]);
  expect(counterparts(days, before.slice(1), "month", 364)).toEqual([0, undefined]);
});

test("of no events counts are 0, and averages are not known", () => {
  const metrics = ["count", "uniques", "sum:data.a", "avg:data.a", "p95:data.a", "max:data.a"];
  expect(metrics.map(ofNothing)).toEqual([0, 0, 0, null, null, null]);
});

test("all rows of a query are asked page by page, and what is left is counted", async () => {
  const rows = Array.from({ length: 9 }, (_, at): Row => ({
    dimensions: [`${at}`],
    metrics: [at],
  }));
  const answer = (from: number): QueryAnswer => ({
    results: rows.slice(from, from + 1),
    nextCursor: from + 1 < rows.length ? String(from + 1) : null,
    query: { metrics: [], dimensions: [], range: { from: "", to: "" }, timezone: zone },
    meta: { asOf: `page ${from}`, lagMs: 0, exact: true, rowsLeftOut: rows.length - from - 1 },
  });
  const bodies: object[] = [];
  const answersFrom = (first: number) => async (body: { readonly cursor?: string }) => {
    bodies.push(body);
    return answer(body.cursor === undefined ? first : Number(body.cursor));
  };
  const whole = await allRows({ limit: 1 }, answersFrom(6));
  expect(whole.results).toEqual(rows.slice(6));
  expect([whole.nextCursor, whole.meta.rowsLeftOut, whole.meta.asOf]).toEqual([null, 0, "page 6"]);
  expect(bodies.slice(1)).toEqual([
    { limit: 1, cursor: "7" },
    { limit: 1, cursor: "8" },
  ]);
  const cut = await allRows({ limit: 1 }, answersFrom(0));
  expect(cut.results).toEqual(rows.slice(0, 6));
  expect([cut.nextCursor, cut.meta.rowsLeftOut]).toEqual(["6", 3]);
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
