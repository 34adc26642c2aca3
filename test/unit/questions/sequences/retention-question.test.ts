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
