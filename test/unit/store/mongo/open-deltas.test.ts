import fc from "fast-check";
import { openOf } from "../../../../lib/store/mongo/folds.ts";

const minuteMs = 60_000;

interface Condition {
  readonly $gte: number;
  readonly $lte: number;
  readonly $in?: readonly number[];
}

/** The alternatives of a filter, each a condition for the minute. */
function conditionsOf(starts: readonly number[]): readonly Condition[] {
  const filter = openOf("p", starts) as { readonly $or?: readonly object[] };
  return (filter.$or ?? [filter]).map((one) => {
    const { minute, ...others } = one as { readonly minute: Condition };
    expect(others).toEqual({ project: "p", folded: { $exists: false } });
    return minute;
  });
}

function isSelected(conditions: readonly Condition[], minute: number): boolean {
  return conditions.some(
    ({ $gte, $lte, $in }) => minute >= $gte && minute <= $lte && ($in?.includes(minute) ?? true),
  );
}

test("the filter for open deltas selects these minutes and no other, in whatever order they come", () => {
  const places = fc.uniqueArray(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(places, (minutes) => {
      const conditions = conditionsOf(minutes.map((minute) => minute * minuteMs));
      const selected = Array.from({ length: 102 }, (_, minute) => minute).filter((minute) =>
        isSelected(conditions, minute * minuteMs),
      );
      expect(selected).toEqual(minutes.toSorted((a, b) => a - b));
    }),
  );
});

test("the minutes of hours that follow one another are one range, scattered ones one list", () => {
  const hours = Array.from({ length: 240 }, (_, i) => i * minuteMs);
  expect(conditionsOf(hours)).toEqual([{ $gte: 0, $lte: 239 * minuteMs }]);
  const scattered = [9, 2, 5].map((minute) => minute * minuteMs);
  expect(conditionsOf(scattered)).toEqual([
    { $gte: 2 * minuteMs, $lte: 9 * minuteMs, $in: [2, 5, 9].map((minute) => minute * minuteMs) },
  ]);
});
