import { isOver } from "../../../page/pure/range.ts";

const now = Date.parse("2026-11-27T12:00:00Z");

test.each([
  ["yesterday", true],
  ["last_week", true],
  ["last_month", true],
  ["2026-11-01..2026-11-26", true],
  ["2026-11-27T09:00..2026-11-27T13:00", true],
  ["2026-11-27T13:00+01:00..2026-11-27T13:00+00:00", false],
  ["2026-11-01..2026-11-27", false],
  ["today", false],
  ["7d", false],
  ["24h", false],
  ["this_month", false],
  ["all", false],
])("the range %s is over: %p", (range, over) => {
  expect(isOver(range, "Europe/Berlin", now)).toBe(over);
});
