import type { Period } from "../counting/calendar.ts";
import { previousRange } from "../questions/query/comparison.ts";
import { planOf, type Plan } from "./plan.ts";
import { filtersOf } from "../questions/reading/filter-body.ts";
import { rowsOf, type Answered, type QueryRow } from "./query-rows.ts";
import type { QueryQuestion } from "../questions/query/question.ts";
import { rowCursorOf } from "../questions/reading/row-cursor.ts";
import { exactness, metaRange, type Reason, type OwnMeta } from "../questions/answer-meta.ts";
import type { QuestionContext } from "./context.ts";
import { rangeOf, runOnEvents, runOnRollups, type Explanation, type Ran } from "./query-run.ts";
import { seriesOf } from "./series.ts";
import type { Range } from "../event/filter.ts";
import { bounded, withinBudget } from "./within-budget.ts";

/** A query's answer without `meta`, as the cacher keeps it. */
export interface Queried {
  readonly results: readonly QueryRow[];
  readonly totals?: readonly (number | null)[];
  /** The totals of the period before. */
  readonly previousTotals?: readonly (number | null)[];
  /** Leads to the rows that were left out; `null` where none were. */
  readonly nextCursor: string | null;
  /** The question as it was understood, with its defaults. */
  readonly query: object;
  readonly explain?: Explanation & { readonly tookMs: number };
  readonly ownMeta: OwnMeta;
}

/**
 * Answer a query from rollups where they suffice, else from the events.
 * @param choose another plan than the planner's; for tests that ask both ways
 * @throws ServiceError VALIDATION for too many periods, QUERY_TOO_EXPENSIVE for too many events or
 * groups
 */
export async function answerQuery(
  asking: QuestionContext,
  question: QueryQuestion,
  choose: typeof planOf = planOf,
): Promise<Queried> {
  const startedAt = performance.now();
  const { range: open, timezone, explain, compare, page } = question;
  const range = await rangeOf(asking, question);
  // In an empty store any range will do.
  const within = range ?? { from: open.from ?? open.to ?? 0, to: open.to ?? open.from ?? 0 };
  const compared = compare ? previousRange(timezone, within) : undefined;
  return bounded(async () => {
    const now = await run(asking, question, within, choose);
    const before = compared && (await run(asking, question, compared, choose));
    const { rows, leftOut } = rowsOf(question, now, before);
    const because: Reason[] = [...now.because, ...(before?.because ?? [])];
    if (leftOut > 0) because.push("rowsLeftOut");
    const end = page.offset + rows.length;
    return {
      results: rows,
      ...(now.totals && { totals: now.totals }),
      ...(before?.totals && { previousTotals: before.totals }),
      nextCursor: leftOut > 0 ? rowCursorOf(page, end, within) : null,
      query: understood(question, within),
      ...(explain && {
        explain: { ...now.explain, tookMs: Math.round(performance.now() - startedAt) },
      }),
      ownMeta: {
        ...exactness(because),
        source: before === undefined || before.source === now.source ? now.source : "mixed",
        rows: rows.length,
        rowsLeftOut: leftOut,
        ...(range && { range: metaRange(range) }),
        ...(compared && { comparedRange: metaRange(compared) }),
      },
    };
  });
}

async function run(
  asking: QuestionContext,
  question: QueryQuestion,
  range: Range,
  choose: typeof planOf,
): Promise<Ran & Answered> {
  const spans = periodsOf(question, range);
  const plan: Plan = choose(question, asking.rolledUp, spans);
  const ran =
    plan.source === "rollup"
      ? await withinBudget((budget) => runOnRollups(asking, question, plan, range, spans, budget))
      : await runOnEvents(asking, plan, range);
  const because = [...ran.because, ...(ran.estimated ? ["sketch" as const] : [])];
  return { ...ran, because, ...(spans && { periods: spans }) };
}

function periodsOf(
  { interval, timezone, range: open }: QueryQuestion,
  range: Range,
): readonly Period[] | undefined {
  return interval && seriesOf("/dimensions", { interval, timezone }, open, range);
}

/** The question with its defaults, and with its range closed. */
function understood(question: QueryQuestion, range: Range): object {
  const { metrics, dimensions, filter, timezone, orderBy, limit, fill, compare } = question;
  const columns = [...dimensions, ...metrics].map(({ name }) => name);
  return {
    metrics: metrics.map(({ name }) => name),
    dimensions: dimensions.map(({ name }) => name),
    ...(filter && { filters: filtersOf(filter) }),
    range: metaRange(range),
    timezone,
    orderBy: orderBy.map(({ column, descending }) => [
      columns[column],
      descending ? "desc" : "asc",
    ]),
    limit,
    ...(question.interval !== undefined && { fill }),
    ...(compare && { compare: "previous_period" }),
  };
}
