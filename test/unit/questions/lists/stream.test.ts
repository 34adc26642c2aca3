import { readStreamQuestion } from "../../../../lib/questions/lists/stream.ts";
import { asStream, readWithRange } from "../../../../lib/questions/reading/relative-range.ts";

const now = Date.UTC(2026, 10, 26, 14, 24, 9);
const day = Date.UTC(2026, 10, 26);
const filterOf = (raw: Readonly<Record<string, string>>) =>
  readWithRange(asStream, raw, now, readStreamQuestion).question.filter;

test.each([
  ["24h", Date.UTC(2026, 10, 25, 14, 25)],
  ["90m", Date.UTC(2026, 10, 26, 12, 55)],
  ["7d", Date.UTC(2026, 10, 20)],
  ["today", day],
  ["this_week", Date.UTC(2026, 10, 23)],
  ["this_month", Date.UTC(2026, 10, 1)],
  ["month_to_date", Date.UTC(2026, 10, 1)],
  ["this_year", Date.UTC(2026, 0, 1)],
  ["all", undefined],
])("the range %s holds now: it goes on with the stream", (range, from) => {
  const filter = filterOf({ range });
  expect([filter.from, filter.to]).toEqual([from, undefined]);
});

test.each([
  ["yesterday", day - 86_400_000, day],
  ["last_week", Date.UTC(2026, 10, 16), Date.UTC(2026, 10, 23)],
  ["last_month", Date.UTC(2026, 9, 1), Date.UTC(2026, 10, 1)],
])("the range %s is over: it keeps its end", (range, from, to) => {
  expect(filterOf({ range })).toMatchObject({ from, to });
});

test("an end that was named stays, also one ahead", () => {
  const [from, to] = ["2026-11-26T00:00:00Z", "2026-11-27T00:00:00Z"];
  expect(filterOf({ from, to })).toMatchObject({ from: day, to: day + 86_400_000 });
});
