import { readCountsQuestion } from "../../../../lib/questions/counts.ts";
import { readListQuestion } from "../../../../lib/questions/lists/list.ts";
import { readQueryQuestion } from "../../../../lib/questions/query/question.ts";
import { readFunnelJob } from "../../../../lib/questions/sequences/funnel.ts";
import {
  asParameters,
  continuedAt,
  readWithRange,
  type Form,
} from "../../../../lib/questions/reading/relative-range.ts";
import { withRange } from "../../../../lib/questions/saved.ts";
import { ServiceError } from "../../../../lib/errors.ts";
import type { Raw } from "../../../../lib/questions/reading/field.ts";

const now = Date.parse("2026-11-26T14:24:09Z");
const counts: Form = { by: "parameters", takesZone: true };
const body: Form = { by: "body", takesZone: true };
const steps = { steps: [{ type: "a" }, { type: "b" }] };

function findingsOf(form: Form, raw: Raw, read: (raw: Raw) => unknown) {
  try {
    readWithRange(form, raw, now, read);
  } catch (error) {
    if (error instanceof ServiceError) return error.data.errors?.map(({ pointer }) => pointer);
    throw error;
  }
  return [];
}

test("a relative range becomes instants in the asked zone, in parameters and in bodies", () => {
  const berlin = {
    from: Date.parse("2026-11-25T23:00:00Z"),
    to: Date.parse("2026-11-26T23:00:00Z"),
  };
  const asked = { range: "today", timezone: "Europe/Berlin" };
  expect(
    readWithRange(counts, asked, now, (raw) => readCountsQuestion(raw, [])).question,
  ).toMatchObject({ ...berlin, timezone: "Europe/Berlin" });
  expect(readWithRange(asParameters, asked, now, readListQuestion).question.filter).toMatchObject(
    berlin,
  );
  expect(readWithRange(body, asked, now, readQueryQuestion).question).toMatchObject({
    range: berlin,
    timezone: "Europe/Berlin",
  });
  const funnel = { by: "body", takesZone: false } as const;
  expect(readWithRange(funnel, { ...steps, ...asked }, now, readFunnelJob).question.range).toEqual(
    berlin,
  );
  expect(
    readWithRange(body, { range: { last: "24h" } }, now, readQueryQuestion).question.range,
  ).toEqual({ from: Date.parse("2026-11-25T14:25:00Z"), to: Date.parse("2026-11-26T14:25:00Z") });
  const all = readWithRange(body, { range: "all" }, now, readQueryQuestion).question.range;
  expect([all.from, all.to]).toEqual([undefined, undefined]);
});

test("a range with ends is its reader's own, and is no relative one", () => {
  const asked = { range: { from: 0, to: 60_000 } };
  expect(readWithRange(body, asked, now, readQueryQuestion)).toEqual({
    question: readQueryQuestion(asked),
  });
});

test("what is wrong with a range is told beside everything else that is wrong", () => {
  const read = (raw: Raw) => readCountsQuestion(raw, []);
  expect(findingsOf(counts, { range: "7days", limit: "0" }, read)).toEqual(["range", "limit"]);
  expect(findingsOf(counts, { range: "7d", from: "2026-01-01T00:00:00Z" }, read)).toEqual([
    "range",
  ]);
  expect(findingsOf(counts, { range: "7d", timezone: "Berlin" }, read)).toEqual(["timezone"]);
  expect(findingsOf(asParameters, { range: "7d", timezone: "Berlin" }, readListQuestion)).toEqual([
    "timezone",
  ]);
  expect(findingsOf(asParameters, { timezone: "Europe/Berlin" }, readListQuestion)).toEqual([
    "timezone",
  ]);
  for (const range of [
    "0d",
    "3661d",
    "8785h",
    "7w",
    "-1d",
    "",
    { last: 7 },
    { last: "7d", from: 0 },
  ]) {
    expect([range, findingsOf(body, { range }, readQueryQuestion)]).toEqual([range, ["/range"]]);
  }
});

test("a page after the first is of the first one's range, also over midnight", () => {
  const raw = { range: "today", limit: "1" };
  const first = readWithRange(asParameters, raw, now, readListQuestion);
  const next = { ...raw, cursor: undefined as string | undefined };
  const inner = readListQuestion({
    from: first.question.filter.from,
    to: first.question.filter.to,
  });
  expect(inner.filter).toEqual(first.question.filter);
  next.cursor = continuedAt("e30", first.at);
  const tomorrow = now + 86_400_000;
  const seen: Raw[] = [];
  readWithRange(asParameters, next, tomorrow, (asked) => seen.push(asked));
  expect(seen).toEqual([
    { limit: "1", cursor: "e30", from: first.question.filter.from, to: first.question.filter.to },
  ]);
});

test("a saved question's range is replaced by another one of either form", () => {
  const kept = { range: "7d", timezone: "Europe/Berlin", type: "a" };
  expect(withRange(counts, kept, {})).toEqual(kept);
  expect(withRange(counts, kept, { range: "today" })).toEqual({ ...kept, range: "today" });
  expect(withRange(counts, kept, { from: "x" })).toEqual({
    type: "a",
    timezone: "Europe/Berlin",
    from: "x",
  });
  expect(withRange(counts, { from: "x", to: "y" }, { to: "z" })).toEqual({ from: "x", to: "z" });
  expect(withRange(counts, { from: "x", to: "y" }, { range: "7d" })).toEqual({ range: "7d" });
  expect(withRange(body, { range: { last: "7d" } }, { from: 1 })).toEqual({ range: { from: 1 } });
  expect(withRange(body, { range: { from: 1, to: 2 } }, { to: 3 })).toEqual({
    range: { from: 1, to: 3 },
  });
  expect(withRange(body, { range: { from: 1 } }, { range: "all", timezone: "UTC" })).toEqual({
    range: "all",
    timezone: "UTC",
  });
});
