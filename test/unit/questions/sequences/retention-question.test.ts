import { periods } from "../../../../lib/counting/calendar.ts";
import type { Raw } from "../../../../lib/questions/reading/field.ts";
import { asBody, readWithRange } from "../../../../lib/questions/reading/relative-range.ts";
import { readRetentionJob } from "../../../../lib/questions/sequences/retention.ts";
import { findingsOf } from "../../../support/findings-of.ts";

const year = { from: "2024-01-01T00:00:00Z", to: "2025-01-01T00:00:00Z" };

test("reads a retention question", () => {
  const body = {
    first: { type: "signup" },
    returning: { type: "visit", filters: ["gt", "data.pages", 1] },
    interval: "week",
    timezone: "Europe/Berlin",
    by: "session",
    breakdown: "source",
    range: { from: "2024-01-01T00:00:00Z" },
  };
  expect(readRetentionJob(body)).toEqual({
    kind: "retention",
    first: { type: "signup", filters: undefined },
    returning: { type: "visit", filters: { path: ["data", "pages"], op: "gt", value: 1 } },
    interval: "week",
    timezone: "Europe/Berlin",
    by: "session",
    breakdown: ["source"],
    range: { from: Date.UTC(2024, 0, 1), to: undefined },
  });
  expect(readRetentionJob({})).toMatchObject({
    first: {},
    returning: {},
    interval: "day",
    timezone: "UTC",
    by: "user",
  });
});

test("takes a year of days, and with a breakdown a year of weeks", () => {
  expect(readRetentionJob({ range: year }).interval).toBe("day");
  expect(readRetentionJob({ range: year, interval: "week", breakdown: "type" })).toBeDefined();
});

const limits = [
  ["day", 400, undefined],
  ["week", 400, undefined],
  ["month", 400, undefined],
  ["day", 100, "data.plan"],
  ["week", 100, "data.plan"],
  ["month", 100, "data.plan"],
] as const;

test.each(limits)("takes exactly %2$d periods of one %1$s", (interval, most, breakdown) => {
  for (const timezone of ["UTC", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"]) {
    const from = Date.UTC(2009, 9, 28);
    const all = periods(interval, timezone, { from, to: from + most * 31.5 * 86_400_000 });
    const ending = (to: number) => ({ interval, timezone, breakdown, range: { from, to } });
    const { end } = all[most - 1]!;
    expect(findingsOf(() => readRetentionJob(ending(end)))).toEqual([]);
    expect(findingsOf(() => readRetentionJob(ending(end + 1)))).toMatchObject([
      { pointer: "/range", code: "periods" },
    ]);
  }
});

test("takes the last 400 days, whatever the clock did on them", () => {
  const read = (raw: Raw) => readRetentionJob(raw);
  for (const timezone of ["UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kolkata"]) {
    for (const month of [0, 2, 3, 9, 10, 11]) {
      const now = Date.UTC(2026, month, 27, 13, 14);
      const ask = (last: string) => () =>
        readWithRange(asBody, { range: { last }, timezone }, now, read);
      expect(findingsOf(ask("400d"))).toEqual([]);
      expect(findingsOf(ask("401d"))).toHaveLength(1);
    }
  }
});

test.each([
  [{ interval: "hour" }, "/interval"],
  [{ timezone: "Mars/Olympus" }, "/timezone"],
  [{ first: "signup" }, "/first"],
  [{ first: { type: "" } }, "/first/type"],
  [{ returning: { type: "a", filter: [] } }, "/returning/filter"],
  [{ returning: { filters: ["is", "data.x"] } }, "/returning/filters"],
  [{ by: "account" }, "/by"],
  [{ breakdown: "id" }, "/breakdown"],
  [{ periods: 7 }, "/periods"],
  [{ range: { from: 5, to: 5 } }, "/range/to"],
  [{ range: { from: "1924-01-01T00:00:00Z", to: "2024-01-01T00:00:00Z" } }, "/range"],
  [{ range: year, breakdown: "data.plan" }, "/range"],
])("refuses %j at %s and says what is allowed", (body, pointer) => {
  const findings = findingsOf(() => readRetentionJob(body));
  expect(findings).toMatchObject([{ pointer }]);
  expect(findings[0]!.message.length).toBeGreaterThan(20);
});
