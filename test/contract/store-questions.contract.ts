import fc from "fast-check";
import { countPeriods, maxPeriods } from "../../lib/counting/calendar.ts";
import { eventsPlanOf, planOf } from "../../lib/answers/plan.ts";
import type { QueryRow } from "../../lib/answers/query-rows.ts";
import { readQueryQuestion, type QueryQuestion } from "../../lib/questions/query/question.ts";
import { metaRange, type MetaRange } from "../../lib/questions/answer-meta.ts";
import { ServiceError } from "../../lib/errors.ts";
import { grainMs, startOf } from "../../lib/counting/bucket.ts";
import type { StoredEvent } from "../../lib/event/event.ts";
import type { QuestionReads } from "../../lib/answers/reads.ts";
import { answerQuery, type Queried } from "../../lib/answers/query.ts";
import type { Range } from "../../lib/event/filter.ts";
import { names, origin } from "../support/arbitraries.ts";
import { readsOf, historiesWith, live, rare, spanMs, type History } from "./histories.ts";
import { eventsOf, expectAgreement, expectRows, recount } from "./recount.ts";
import type { OnStore, StoreTraits } from "./store-harness.ts";

const questionsPerSet = 20;

const property = fc.oneof(
  names.map((name) => `data.${name}`),
  fc.constantFrom("metadata.userId", "context.utm.source"),
);
const dimension = fc.oneof(
  fc.constantFrom(
    "type",
    "source",
    "context.browser",
    "context.bot",
    "utm.source",
    "time:day",
    "time:week",
    "time:hour",
  ),
  property,
);
const metric = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom("count", "uniques") },
  fc
    .tuple(fc.constantFrom("sum", "avg", "min", "max", "p50", "p99"), property)
    .map(([op, of]) => `${op}:${of}`),
);
const value = fc.oneof(
  rare,
  fc.boolean(),
  fc.integer({ min: -5, max: 5 }),
  fc.constant(null),
  fc.constantFrom("(none)", "(other)"),
);
const leaf = fc.oneof(
  fc.tuple(
    fc.constantFrom("is", "is_not"),
    fc.oneof(fc.constantFrom("type", "source", "context.browser", "context.bot"), property),
    fc.array(value, { minLength: 1, maxLength: 3 }),
  ),
  fc.tuple(
    fc.constantFrom("gt", "lte"),
    property,
    fc.oneof(names, fc.integer({ min: -5, max: 5 })),
  ),
  fc.tuple(
    fc.constantFrom("contains", "starts_with"),
    fc.oneof(fc.constant("type"), property),
    fc.constantFrom("a", "to"),
  ),
  fc.tuple(fc.constant("exists"), property, fc.boolean()),
);
const filters = fc.oneof(
  leaf,
  fc.tuple(fc.constantFrom("and", "or"), leaf, leaf),
  fc.tuple(fc.constant("not"), leaf),
  fc.tuple(
    fc.constant("and"),
    leaf,
    fc.tuple(fc.constant("not"), fc.tuple(fc.constant("or"), leaf, leaf)),
  ),
);
const instant = fc.integer({ min: origin - 3_600_000, max: origin + spanMs });
const closed = fc.record({ from: instant, to: instant }).filter(({ from, to }) => from < to);

const plainBody = fc.record(
  {
    metrics: fc.uniqueArray(metric, { minLength: 1, maxLength: 3 }),
    dimensions: fc
      .uniqueArray(dimension, { maxLength: 2 })
      .filter((all) => all.filter((one) => one.startsWith("time:")).length < 2),
    filters,
    range: fc
      .record({ from: instant, to: instant }, { requiredKeys: [] })
      .filter(({ from = 0, to = Infinity }) => from < to),
    timezone: fc.constantFrom("Asia/Kolkata", "America/New_York", "Australia/Lord_Howe"),
    include: fc.constant(["totals"]),
    fill: fc.boolean(),
    limit: fc.integer({ min: 1, max: 40 }),
  },
  { requiredKeys: ["metrics"] },
);
const compared = fc
  .tuple(plainBody, closed)
  .map(([one, range]) => ({ ...one, range, compare: "previous_period" }));
const body = fc.oneof({ weight: 4, arbitrary: plainBody }, compared);

/** Every question, both ways, against a few plain lines. */
export function questionsContract(onStore: OnStore, { runs = 30, many }: StoreTraits): void {
  test(
    "questions are answered from rollups and from events as by a plain recount (any history, any question)",
    onStore(async (store) => {
      let sets = 0;
      await fc.assert(
        fc.asyncProperty(
          historiesWith(many),
          fc.array(body, { minLength: questionsPerSet, maxLength: questionsPerSet }),
          async (past, bodies) => {
            const project = `q${++sets}`;
            const stored = await live(store, project, past);
            const reads = readsOf(store, project);
            // A recount of many rows takes long.
            for (const one of past.many === null ? bodies : bodies.slice(0, 3)) {
              for (const choose of [planOf, byEvents]) {
                await expectRight(reads, past, stored, one, choose);
              }
            }
          },
        ),
        { numRuns: Math.ceil(runs / 2) },
      );
    }),
    Math.max(300_000, runs * 10_000),
  );
}

const byEvents: typeof planOf = (question, _, spans) => eventsPlanOf(question, spans);

async function expectRight(
  reads: QuestionReads,
  past: History,
  stored: readonly StoredEvent[],
  raw: object,
  choose: typeof planOf,
): Promise<void> {
  const question = readQueryQuestion(raw);
  let answer: Queried;
  try {
    answer = await answerQuery(reads, question, choose);
  } catch (error) {
    if (!isTooManyPeriods(error)) throw error;
    const { interval } = question;
    expect(countPeriods(interval!, extentOf(stored, question))).toBeGreaterThan(maxPeriods);
    return;
  }
  const range = rangeOf(answer.ownMeta.range);
  if (question.interval !== undefined && past.many === null) {
    expect(range).toEqual(extentOf(stored, question));
  }
  const expected = recount(stored, question, range);
  if (answer.totals) {
    expectAgreement(question, [{ dimensions: [], metrics: answer.totals }], [expected.total]);
  }
  const { comparedRange } = answer.ownMeta;
  const before = comparedRange && recount(stored, question, rangeOf(comparedRange));
  if (before && answer.previousTotals) {
    const totals = { dimensions: [], metrics: answer.previousTotals };
    expectAgreement(question, [totals], [before.total]);
  }
  expect(answer.ownMeta.because ?? []).toEqual([
    ...(answer.ownMeta.rowsLeftOut! > 0 ? ["rowsLeftOut"] : []),
    ...(expected.estimated || before?.estimated ? ["sketch"] : []),
  ]);
  expectRows(question, await allRows(reads, raw, question, answer, choose), expected, before);
}

/** The answer's rows, page by page; `undefined` where these are too many for a test. */
async function allRows(
  reads: QuestionReads,
  raw: object,
  { limit, dimensions, newestFirst }: QueryQuestion,
  first: Queried,
  choose: typeof planOf,
): Promise<readonly QueryRow[] | undefined> {
  const { rows: shown, rowsLeftOut } = first.ownMeta;
  expect(shown).toBe(first.results.length);
  if (rowsLeftOut! > 3 * limit) return undefined;
  const pages = [first];
  for (let cursor = first.nextCursor; cursor !== null; cursor = pages.at(-1)!.nextCursor) {
    const page = await answerQuery(reads, readQueryQuestion({ ...raw, cursor }), choose);
    expect(page.ownMeta.range).toEqual(first.ownMeta.range);
    pages.push(page);
  }
  const rows = pages.flatMap(({ results }) => results);
  expect(rows).toHaveLength(shown! + rowsLeftOut!);
  if (newestFirst && dimensions.length === 1 && first.ownMeta.comparedRange === undefined) {
    const times = pages
      .toReversed()
      .flatMap(({ results }) => results.map((row) => row.dimensions[0]!));
    expect(times.map((time) => Date.parse(time))).toEqual(
      times.map((time) => Date.parse(time)).sort((a, b) => a - b),
    );
  }
  return rows;
}

/** The open ends of a series close around the events that it is about. */
function extentOf(stored: readonly StoredEvent[], question: QueryQuestion): Range {
  const { from, to } = question.range;
  if (from !== undefined && to !== undefined) return { from, to };
  const times = eventsOf(stored, question)
    .map(({ timestamp }) => timestamp)
    .filter((time) => time >= (from ?? -Infinity) && time < (to ?? Infinity));
  if (times.length === 0) return { from: 0, to: 0 };
  return {
    from: from ?? startOf("minute", Math.min(...times)),
    to: to ?? startOf("minute", Math.max(...times)) + grainMs.minute,
  };
}

function isTooManyPeriods(error: unknown): boolean {
  if (!(error instanceof ServiceError)) throw error;
  return error.data.errors?.[0]?.code === "too_many_periods";
}

function rangeOf({ from, to }: MetaRange = metaRange({ from: 0, to: 0 })): Range {
  return { from: Date.parse(from), to: Date.parse(to) };
}
