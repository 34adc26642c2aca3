import { readCountsQuestion } from "../../../../lib/questions/counts.ts";
import { readListQuestion } from "../../../../lib/questions/lists/list.ts";
import { readQueryQuestion } from "../../../../lib/questions/query/question.ts";
import { readFunnelJob } from "../../../../lib/questions/sequences/funnel.ts";
import {
  asBody,
  asParameters,
  continuedAt,
  readWithRange,
  type Form,
} from "../../../../lib/questions/reading/relative-range.ts";
import { readExportQuestion } from "../../../../lib/questions/lists/export.ts";
import { readStreamQuestion } from "../../../../lib/questions/lists/stream.ts";
import { readMailQuestion } from "../../../../lib/questions/mail/question.ts";
import { readRetentionJob } from "../../../../lib/questions/sequences/retention.ts";
import { readPathsJob } from "../../../../lib/questions/sequences/paths.ts";
import {
  readPropertiesQuestion,
  readTypesQuestion,
  readValuesQuestion,
} from "../../../../lib/questions/catalog/question.ts";
import { withRange } from "../../../../lib/questions/saved.ts";
import { ServiceError } from "../../../../lib/errors.ts";
import type { Raw } from "../../../../lib/questions/reading/field.ts";

const now = Date.parse("2026-11-26T14:24:09Z");
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
    readWithRange(asParameters, asked, now, (raw) => readCountsQuestion(raw, [])).question,
  ).toMatchObject({ ...berlin, timezone: "Europe/Berlin" });
  expect(readWithRange(asParameters, asked, now, readListQuestion).question.filter).toMatchObject(
    berlin,
  );
  expect(readWithRange(asBody, asked, now, readQueryQuestion).question).toMatchObject({
    range: berlin,
    timezone: "Europe/Berlin",
  });
  expect(readWithRange(asBody, { ...steps, ...asked }, now, readFunnelJob).question.range).toEqual(
    berlin,
  );
  expect(
    readWithRange(asBody, { range: { last: "24h" } }, now, readQueryQuestion).question.range,
  ).toEqual({ from: Date.parse("2026-11-25T14:25:00Z"), to: Date.parse("2026-11-26T14:25:00Z") });
  const all = readWithRange(asBody, { range: "all" }, now, readQueryQuestion).question.range;
  expect([all.from, all.to]).toEqual([undefined, undefined]);
});

test("a range with ends is its reader's own, and is no relative one", () => {
  const asked = { range: { from: 0, to: 60_000 } };
  expect(readWithRange(asBody, asked, now, readQueryQuestion)).toEqual({
    question: readQueryQuestion(asked),
  });
});

test("what is wrong with a range is told beside everything else that is wrong", () => {
  const read = (raw: Raw) => readCountsQuestion(raw, []);
  expect(findingsOf(asParameters, { range: "7days", limit: "0" }, read)).toEqual([
    "range",
    "limit",
  ]);
  expect(findingsOf(asParameters, { range: "7d", from: "2026-01-01T00:00:00Z" }, read)).toEqual([
    "range",
  ]);
  expect(findingsOf(asParameters, { range: "7d", timezone: "Berlin" }, read)).toEqual(["timezone"]);
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
    expect([range, findingsOf(asBody, { range }, readQueryQuestion)]).toEqual([range, ["/range"]]);
  }
});

const questions: Readonly<Record<string, readonly [Form, Raw, (raw: Raw) => unknown]>> = {
  list: [asParameters, {}, readListQuestion],
  export: [asParameters, {}, readExportQuestion],
  stream: [asParameters, {}, readStreamQuestion],
  counts: [asParameters, {}, (raw) => readCountsQuestion(raw, [])],
  mail: [asParameters, {}, readMailQuestion],
  types: [asParameters, {}, readTypesQuestion],
  properties: [asParameters, {}, readPropertiesQuestion],
  values: [asParameters, { property: "data.a" }, readValuesQuestion],
  run: [asBody, {}, readQueryQuestion],
  funnel: [asBody, steps, readFunnelJob],
  retention: [asBody, {}, readRetentionJob],
  paths: [asBody, { after: { type: "a" } }, readPathsJob],
};
const ends = { from: "2026-01-01T00:00:00Z", to: "2026-02-01T00:00:00Z" };

test.each(Object.entries(questions))(
  "a zone stands beside any range, and is checked: %s",
  (_, [form, plain, read]) => {
    const absolute = form.by === "body" ? { range: ends } : ends;
    const relative = ["7d", "24h", "today", "all"].map((range) => ({
      range: form.by === "body" && /^\d/.test(range) ? { last: range } : range,
    }));
    for (const range of [{}, absolute, ...relative]) {
      const asked = { ...plain, ...range };
      expect(findingsOf(form, { ...asked, timezone: "Europe/Berlin" }, read)).toEqual([]);
      for (const timezone of ["Berlin", "+01:00", "", 1, null]) {
        const pointer = form.by === "body" ? "/timezone" : "timezone";
        expect(findingsOf(form, { ...asked, timezone }, read)).toEqual([pointer]);
      }
    }
  },
);

test("a zone says nothing about a range with ends", () => {
  for (const name of ["funnel", "paths", "mail", "list", "export"] as const) {
    const [{ by }, plain, read] = questions[name]!;
    const asked = { ...plain, ...(by === "body" ? { range: ends } : ends) };
    expect(read({ ...asked, timezone: "Europe/Berlin" })).toEqual(read(asked));
  }
});

test.each(Object.entries(questions))(
  "a question that is saved with a zone can be asked of any other range: %s",
  (_, [form, plain, read]) => {
    const inBody = form.by === "body";
    for (const range of [inBody ? { last: "7d" } : "7d", "this_month", "all"]) {
      const saved = { ...plain, range, timezone: "Europe/Berlin" };
      for (const other of [
        {},
        { from: ends.from },
        { to: ends.to },
        ends,
        { range: "30d" },
        { range: "all" },
        { timezone: "Asia/Kolkata" },
        { range: "today", timezone: "Asia/Kolkata" },
        { ...ends, timezone: "Asia/Kolkata" },
      ]) {
        expect([other, findingsOf(form, withRange(form, saved, other), read)]).toEqual([other, []]);
      }
    }
  },
);

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
  expect(withRange(asParameters, kept, {})).toEqual(kept);
  expect(withRange(asParameters, kept, { range: "today" })).toEqual({ ...kept, range: "today" });
  expect(withRange(asParameters, kept, { from: "x" })).toEqual({
    type: "a",
    timezone: "Europe/Berlin",
    from: "x",
  });
  expect(withRange(asParameters, { from: "x", to: "y" }, { to: "z" })).toEqual({
    from: "x",
    to: "z",
  });
  expect(withRange(asParameters, { from: "x", to: "y" }, { range: "7d" })).toEqual({ range: "7d" });
  expect(withRange(asBody, { range: { last: "7d" } }, { from: 1 })).toEqual({ range: { from: 1 } });
  expect(withRange(asBody, { range: { from: 1, to: 2 } }, { to: 3 })).toEqual({
    range: { from: 1, to: 3 },
  });
  expect(withRange(asBody, { range: { from: 1 } }, { range: "all", timezone: "UTC" })).toEqual({
    range: "all",
    timezone: "UTC",
  });
});
