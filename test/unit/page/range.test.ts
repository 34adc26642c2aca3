import { isOver, rangeName } from "../../../page/pure/range.ts";

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

test.each([
  ["2026-11-01..2026-11-26", "1 Nov – 26 Nov"],
  ["2026-11-26..2026-11-26", "26 Nov"],
  ["2025-11-26..2025-11-26", "26 Nov 2025"],
  ["2024-03-01..2024-03-31", "1 Mar – 31 Mar 2024"],
  ["2025-06-01..2026-11-26", "1 Jun 2025 – 26 Nov 2026"],
  ["2026-11-26T09:00..2026-11-26T12:00", "26 Nov, 09:00 – 12:00"],
  ["2024-11-26T09:00..2024-11-26T12:00", "26 Nov 2024, 09:00 – 12:00"],
  ["2024-11-26T09:00..2024-11-27T12:00", "26 Nov, 09:00 – 27 Nov 2024, 12:00"],
  ["2024-11-26T09:00..2026-11-27T12:00", "26 Nov 2024, 09:00 – 27 Nov 2026, 12:00"],
  ["7d", "Last 7 days"],
])("the range %s of another year says so: %s", (range, name) => {
  expect(rangeName(range, now)).toBe(name);
});
