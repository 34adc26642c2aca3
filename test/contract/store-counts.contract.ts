import fc from "fast-check";
import { intervals, periods } from "../../lib/counting/calendar.ts";
import { readCountsQuestion } from "../../lib/questions/counts.ts";
import { builtInDimensions } from "../../lib/counting/dimensions.ts";
import { valueOf } from "../../lib/event/shown-value.ts";
import type { Raw } from "../../lib/questions/reading/field.ts";
import type { StoredEvent } from "../../lib/event/event.ts";
import type { QuestionReads } from "../../lib/answers/reads.ts";
import { answerCounts, type CountRow } from "../../lib/answers/counts.ts";
import { origin } from "../support/arbitraries.ts";
import { readsOf, historiesWith, live, rare, spanMs } from "./histories.ts";
import type { OnStore, StoreTraits } from "./store-harness.ts";

const some = fc.array(
  rare.filter(({ length }) => length <= 256),
  { minLength: 1, maxLength: 3 },
);
const parameters = fc.record(
  {
    type: some,
    source: some,
    groupBy: fc.constantFrom("source", "context.browser", "utm.source"),
    interval: fc.constantFrom(...intervals.filter((one) => one !== "minute")),
    timezone: fc.constantFrom("Asia/Kolkata", "America/New_York"),
    limit: fc.integer({ min: 1, max: 5 }),
  },
  { requiredKeys: [] },
);
const range = {
  from: new Date(origin + 3_600_000).toISOString(),
  to: new Date(origin + spanMs).toISOString(),
};

/** Every counts question against a few plain lines. */
export function countsContract(onStore: OnStore, { runs = 30, many }: StoreTraits): void {
  test(
    "counts are what a plain recount gives, page by page (any history, any question)",
    onStore(async (store) => {
      let sets = 0;
      await fc.assert(
        fc.asyncProperty(
          historiesWith(many),
          fc.array(parameters, { minLength: 10 }),
          async (past, all) => {
            const project = `c${++sets}`;
            const stored = await live(store, project, past);
            const reads = readsOf(store, project);
            for (const raw of all) await expectRight(reads, stored, { ...raw, ...range });
          },
        ),
        { numRuns: Math.ceil(runs / 2) },
      );
    }),
    Math.max(300_000, runs * 10_000),
  );
}

async function expectRight(
  reads: QuestionReads,
  stored: readonly StoredEvent[],
  raw: Raw,
): Promise<void> {
  const question = readCountsQuestion(raw, builtInDimensions);
  const { types, sources, from, to, interval, timezone, groupBy, limit } = question;
  const met = stored.filter(
    ({ type, source, timestamp }) =>
      timestamp >= from! &&
      timestamp < to! &&
      (types?.includes(type) ?? true) &&
      (sources?.includes(source) ?? true),
  );
  const spans = interval && periods(interval, timezone, { from: from!, to: to! });
  const keyOf = (event: StoredEvent) =>
    JSON.stringify([event.type, groupBy === undefined ? null : valueOf(event, groupBy)]);
  const expected = [...Map.groupBy(met, keyOf)].map(([key, events]) => [
    key,
    events.length,
    spans?.map(
      ({ start, end }) =>
        events.filter(({ timestamp }) => timestamp >= start && timestamp < end).length,
    ),
  ]);
  const first = await answerCounts(reads, question);
  expect(first.total).toBe(met.length);
  const rowsLeftOut = Math.max(0, expected.length - limit);
  expect(first.ownMeta).toMatchObject({
    exact: rowsLeftOut === 0,
    rows: expected.length - rowsLeftOut,
    rowsLeftOut,
  });
  const rows: CountRow[] = [...first.data];
  if (rowsLeftOut > 20) return;
  for (let cursor = first.nextCursor; cursor !== null;) {
    const page = await answerCounts(
      reads,
      readCountsQuestion({ ...raw, cursor }, builtInDimensions),
    );
    rows.push(...page.data);
    cursor = page.nextCursor;
  }
  const found = rows.map((row) => [
    JSON.stringify([row.type, groupBy === undefined ? null : row[groupBy]]),
    row.count,
    row.series?.map(({ count }) => count),
  ]);
  const byKey = (a: readonly unknown[], b: readonly unknown[]) => (a[0]! < b[0]! ? -1 : 1);
  expect(found.sort(byKey)).toEqual(expected.sort(byKey));
}
