import fc from "fast-check";
import { hasElements } from "../../../../../lib/event/property-path.ts";
import type { StoredEvent } from "../../../../../lib/event/event.ts";
import { FoldOverflow, rowReader } from "../../../../../lib/questions/fold.ts";
import {
  breakdownFold,
  type BreakdownJob,
  type Dimension,
} from "../../../../../lib/questions/query/breakdown.ts";
import { ExactSum } from "../../../../../lib/questions/query/exact-sum.ts";
import type { Metric } from "../../../../../lib/questions/query/metric.ts";
import { Segment, MissingColumn } from "../../../../../lib/store/sqlite/columns/reader.ts";
import { Shredder } from "../../../../../lib/store/sqlite/columns/writer.ts";
import { toRow } from "../../../../../lib/store/rows.ts";
import { comparable } from "../../../../contract/store-analyze.contract.ts";
import { events, numbers, path } from "../../../../contract/store-arbitraries.ts";
import { minute } from "../../../../contract/store-harness.ts";

const property = path.filter(
  (one) => !hasElements(one) && ["data", "metadata", "type", "source"].includes(one[0]),
);
const metric: fc.Arbitrary<Metric> = fc.oneof(
  fc.constantFrom<Metric[]>({ op: "count" }, { op: "uniques" }),
  fc.record({ op: fc.constantFrom("sum", "avg", "min", "max"), path: property }),
  fc.record({ op: fc.constant("quantile"), q: fc.constantFrom(0, 0.5, 0.9), path: property }),
);
const dimension: fc.Arbitrary<Dimension> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ path: property }) },
  fc.constant<Dimension>({ time: true }),
);
const job: fc.Arbitrary<BreakdownJob> = fc.record({
  kind: fc.constant("breakdown"),
  metrics: fc.array(metric, { minLength: 1, maxLength: 3 }),
  dimensions: fc.array(dimension, { maxLength: 2 }),
  // Some events lie in no period.
  periods: fc.constantFrom(
    [{ start: minute + 1, end: minute + 2 }],
    [
      { start: minute, end: minute + 1 },
      { start: minute + 1, end: minute + 9 },
    ],
  ),
  totals: fc.boolean(),
  maxGroups: fc.constantFrom(3, 1_000),
});

/** The same events many times over, each copy an event of its own, so that cells have many events. */
function manyTimes(stored: readonly StoredEvent[], times: number): readonly StoredEvent[] {
  return Array.from({ length: times }, (_, copy) =>
    stored.map((one) => ({ ...one, id: `${one.id}-${copy}` })),
  ).flat();
}

function answerOf(fold: () => unknown): unknown {
  try {
    return comparable(fold() as never);
  } catch (error) {
    if (error instanceof FoldOverflow) return error.message;
    throw error;
  }
}

test("a breakdown of columns is that of the events one by one (any events, metrics and dimensions)", () => {
  let answered = 0;
  fc.assert(
    fc.property(events, fc.constantFrom(1, 3, 70), job, (few, times, asked) => {
      const stored = manyTimes(few, times);
      const byRows = breakdownFold(asked);
      const read = rowReader(byRows.columns);
      const expected = answerOf(() => {
        for (const one of stored) byRows.add(read(one));
        return byRows.finish();
      });
      const shredder = new Shredder(stored.length);
      for (const one of stored) shredder.add(toRow(one, one.batch));
      const { rows, complete, columns } = shredder.finish();
      const byName = new Map(columns);
      const segment = new Segment({ rows, complete, fetch: (name) => byName.get(name) });
      const byColumns = breakdownFold(asked);
      try {
        expect(
          answerOf(() => {
            expect(segment.fold({ project: "p" }, byColumns)).toBe(stored.length);
            return byColumns.finish();
          }),
        ).toEqual(expected);
        answered++;
      } catch (error) {
        if (!(error instanceof MissingColumn)) throw error;
      }
    }),
    { numRuns: 200 },
  );
  expect(answered).toBeGreaterThan(80);
});

test("a number added many times at once is that number added as often", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom(...numbers), fc.integer({ min: 1, max: 300 }))),
      (parts) => {
        const [once, often] = [new ExactSum(), new ExactSum()];
        for (const [value, times] of parts) {
          often.addTimes(value, times);
          for (let time = 0; time < times; time++) once.add(value);
        }
        expect(often.value).toBe(once.value);
      },
    ),
  );
});
