import fc from "fast-check";
import { FoldOverflow } from "../../../../lib/questions/fold.ts";
import { Timeline } from "../../../../lib/questions/sequences/timeline.ts";

const row = fc.record({
  actor: fc.constantFrom("a", "b", "__proto__"),
  instant: fc.oneof(
    fc.integer({ min: -5, max: 5 }),
    fc.constantFrom(-62_135_596_800_000, 253_402_300_799_999),
  ),
  mark: fc.integer({ min: 0, max: 3 }),
  value: fc.nat(),
});

interface Row {
  readonly actor: string;
  readonly instant: number;
  readonly mark: number;
  readonly value: number;
}

/** Rows of one actor after the other, each as `[instant, mark, value]`. */
function ordered(rows: readonly Row[], markFor?: Int32Array): number[][][] {
  const timeline = new Timeline();
  for (const { actor, instant, mark, value } of rows)
    timeline.add(timeline.numberOf(actor), instant, mark, value);
  const { starts, instants, marks, values } = timeline.inOrder(markFor);
  return Array.from({ length: starts.length - 1 }, (_, actor) =>
    Array.from({ length: starts[actor + 1]! - starts[actor]! }, (_, i) => {
      const at = starts[actor]! + i;
      return [instants[at]!, marks[at]!, values[at]!];
    }),
  );
}

/** Stable, as the timeline is: of equal rows the first to come is first. */
function reference(rows: readonly Row[], markFor?: Int32Array): number[][][] {
  return [...new Set(rows.map(({ actor }) => actor))].map((wanted) =>
    rows
      .filter(({ actor }) => actor === wanted)
      .map(({ instant, mark, value }) => [instant, markFor?.[mark] ?? mark, value])
      .sort((a, b) => a[0]! - b[0]! || a[1]! - b[1]!),
  );
}

test("rows come by actor, then instant, then mark, and keep what belongs together", () => {
  fc.assert(
    fc.property(fc.array(row, { maxLength: 300, size: "max" }), fc.boolean(), (rows, exchanged) => {
      const markFor = exchanged ? Int32Array.of(7, 0, 5, 5) : undefined;
      expect(ordered(rows, markFor)).toEqual(reference(rows, markFor));
    }),
    { numRuns: 200 },
  );
});

test("thousands of rows of one actor, from the last to the first", () => {
  const rows = Array.from({ length: 5_000 }, (_, i) => ({
    actor: "a",
    instant: Math.floor((5_000 - i) / 3),
    mark: i % 4,
    value: i,
  }));
  expect(ordered(rows)).toEqual(reference(rows));
});

test("no rows are no actors", () => {
  expect(ordered([])).toEqual([]);
});

test("more rows than allowed are refused", () => {
  const timeline = new Timeline(3_000);
  for (let i = 0; i < 3_000; i++) timeline.add(timeline.numberOf("a"), i, 0);
  expect(() => timeline.add(timeline.numberOf("a"), 0, 0)).toThrow(FoldOverflow);
});
