import { tooExpensive } from "../../../lib/answers/budget.ts";
import { expensiveInWords } from "../../../page/pure/expensive.ts";
import { useLanguage } from "../../../page/pure/format.ts";

beforeAll(() => useLanguage("en"));

/** As `lib/answers/reads.ts` says it. */
const tooMany = (cost?: Parameters<typeof tooExpensive>[3]) =>
  tooExpensive("too_many_events", 31_000_000, "and at most 10000000 are", cost).message;
const tooLong = tooExpensive(
  "too_long",
  5_000_000,
  "which takes 90000 ms at least, by the questions before; at most 30000 ms are given",
  undefined,
).message;

test.each([
  [tooMany(), "This would read 31,000,000 events, 10,000,000 are allowed."],
  [
    tooMany({ columns: 3, bytes: 12_000_000, rows: 40_000 }),
    "This would read 31,000,000 events, 10,000,000 are allowed.",
  ],
  ["it took longer than 10000 ms and was stopped", "This took longer than 10 s and was stopped."],
  [
    "it took longer than it may, and was stopped",
    "This took longer than a question may take and was stopped.",
  ],
  [tooLong, undefined],
  [
    "the range from 2024-11-11T00:00:00.000Z to 2026-11-27T00:00:00.000Z may touch at most 400 periods of one day: narrow it, or take a longer interval of day, week, month",
    undefined,
  ],
  ["the breakdown has more than 10000 values, or more than 16000000 characters of them", undefined],
])("%s", (detail, words) => {
  expect(expensiveInWords(detail)).toBe(words);
});
