import fc from "fast-check";
import { hasElements } from "../../../../lib/event/property-path.ts";
import type { StoredEvent } from "../../../../lib/event/event.ts";
import { FoldOverflow } from "../../../../lib/questions/fold.ts";
import type { OpenFilter } from "../../../../lib/questions/reading/filter-parameters.ts";
import { foldOf, type FoldJob } from "../../../../lib/questions/folds.ts";
import { breakdownFold, type BreakdownJob } from "../../../../lib/questions/query/breakdown.ts";
import type { Dimension } from "../../../../lib/questions/query/dimension.ts";
import { ExactSum } from "../../../../lib/questions/query/exact-sum.ts";
import type { Metric } from "../../../../lib/questions/query/metric.ts";
import { MissingColumn } from "../../../../lib/store/columns/reader.ts";
import { comparable } from "../../../contract/store-analyze.contract.ts";
import { events, numbers, path } from "../../../contract/store-arbitraries.ts";
import { event, minute } from "../../../contract/store-harness.ts";
import { actorsEvents } from "../../../support/actors-events.ts";
import { foldOver } from "../../../support/fold-over.ts";
import { matchesFilter } from "../../../support/filtered.ts";
import { retentionStepMs, sequenceJobs } from "../../../support/jobs.ts";
import { columnReaderOf } from "./segments.ts";

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

function answerOf(asked: FoldJob, fold: () => unknown): unknown {
  try {
    const answer = fold();
    return asked.kind === "breakdown" ? comparable(answer as never) : answer;
  } catch (error) {
    if (error instanceof FoldOverflow) return error.message;
    throw error;
  }
}

/** What a job's fold answers of columns; undefined where they cannot tell. */
function answerOfColumns(
  stored: readonly StoredEvent[],
  asked: FoldJob,
  filter: OpenFilter = {},
): unknown {
  const fold = foldOf(asked);
  try {
    return answerOf(asked, () => {
      const count = columnReaderOf(stored).fold({ project: "p", ...filter }, fold);
      expect(count).toBe(stored.filter(matchesFilter(filter)).length);
      return fold.finish();
    });
  } catch (error) {
    if (error instanceof MissingColumn) return undefined;
    throw error;
  }
}

test("a breakdown of columns is that of the events one by one (any events, metrics and dimensions)", () => {
  let answered = 0;
  fc.assert(
    fc.property(events, fc.constantFrom(1, 3, 70), job, (few, times, asked) => {
      const stored = manyTimes(few, times);
      const byColumns = answerOfColumns(stored, asked);
      if (byColumns === undefined) return;
      expect(byColumns).toEqual(answerOf(asked, () => foldOver(foldOf(asked), stored)));
      answered++;
    }),
    { numRuns: 200 },
  );
  expect(answered).toBeGreaterThan(80);
});

test("funnels, retention and paths of columns are those of the events one by one (any question)", () => {
  fc.assert(
    fc.property(actorsEvents(retentionStepMs, 60), sequenceJobs, (drawn, [asked, filter]) => {
      const stored = drawn.map((one) => ({ ...one, project: "p" }));
      const read = stored.filter(matchesFilter(filter));
      expect(answerOfColumns(stored, asked, filter)).toEqual(
        answerOf(asked, () => foldOver(foldOf(asked), read)),
      );
    }),
    { numRuns: 500 },
  );
});

describe("instants that cannot be read", () => {
  const stored = [0, 1, 2].map((at) => event(`e${at}`, { timestamp: minute + at }));
  const damaged = columnReaderOf(stored, [["timestamp", Uint8Array.of(3, 0)]]);
  const byPeriod = (periods: NonNullable<BreakdownJob["periods"]>) =>
    breakdownFold({
      kind: "breakdown",
      metrics: [{ op: "count" }],
      dimensions: [{ path: ["type"] }, { time: true }],
      periods,
      totals: false,
      maxGroups: 10,
    });

  test("are found out before the fold has taken anything", () => {
    const fold = byPeriod([{ start: minute, end: minute + 2 }]);
    expect(() => damaged.fold({ project: "p" }, fold)).toThrow(MissingColumn);
    expect(fold.finish().groups).toEqual([]);
  });

  test("are not needed where all of them lie in one period", () => {
    const fold = byPeriod([{ start: minute, end: minute + 3 }]);
    damaged.fold({ project: "p", from: minute, to: minute + 3 }, fold);
    expect(fold.finish().groups).toEqual([{ dimensions: ["mail.opened", 0], metrics: [3] }]);
  });
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
