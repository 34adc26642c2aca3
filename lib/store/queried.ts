import { countPeriods, periods, previousRange, type Period } from "../analytics/calendar.ts";
import { coverAll, sourceOf, type Cover } from "../analytics/cover.ts";
import { planOf, typesOf, type EventsPlan, type Plan, type RollupPlan } from "../analytics/plan.ts";
import { isEstimated, rowsOf, type Answered, type QueryRow } from "../analytics/query-answer.ts";
import type { QueryQuestion } from "../analytics/query-question.ts";
import { rollupGroups } from "../analytics/rollup-groups.ts";
import { exactness, toldRange, type Reason, type Told } from "../analytics/told.ts";
import { ServiceError } from "../errors.ts";
import { grainMs, grains } from "../event/bucket.ts";
import { filtersOf } from "../analytics/predicate.ts";
import type { Asking } from "./asking.ts";
import { closedRange, coveredRows, marksOf, maxPeriods } from "./counted.ts";
import type { Range } from "./store.ts";

/** A query's answer without `meta`: what the cacher keeps. */
export interface Queried {
  readonly results: readonly QueryRow[];
  readonly totals?: readonly (number | null)[];
  /** The totals of the period before. */
  readonly previousTotals?: readonly (number | null)[];
  /** The question as it was understood. */
  readonly query: object;
  readonly explain?: Explanation;
  readonly told: Told;
}

/** How an answer came about. */
export interface Explanation {
  readonly plan: "rollup" | "events";
  /** The part of the rollups that was read. */
  readonly section?: string;
  /** How many buckets of each grain were to be read, and how many marked minutes were summed. */
  readonly rollups?: Readonly<Record<"minute" | "hour" | "day" | "deltas", number>>;
  readonly events?: {
    /** How many events were expected to be read, by their types and times. */
    readonly estimate: number;
    /** How many met the filter. */
    readonly met: number;
  };
  readonly tookMs: number;
}

interface Ran extends Answered {
  readonly because: readonly Reason[];
  readonly source: Told["source"];
  readonly explain: Omit<Explanation, "tookMs">;
}

/**
 * Answer a query from rollups where they suffice, else from the events.
 * @param choose another plan than the planner's; for tests that ask both ways
 * @throws ServiceError VALIDATION for too many periods, QUERY_TOO_EXPENSIVE for too many events or groups
 */
export async function queried(
  asking: Asking,
  question: QueryQuestion,
  choose: typeof planOf = planOf,
): Promise<Queried> {
  const startedAt = performance.now();
  const { range: open, filter, interval, timezone, explain, compare } = question;
  const types = filter && typesOf(filter);
  const range = await closedRange(
    asking.store,
    asking.project,
    { ...open, types, interval },
    asking.until,
  );
  // Where nothing was ever stored any range is as good.
  const within = range ?? { from: open.from ?? open.to ?? 0, to: open.to ?? open.from ?? 0 };
  const now = await run(asking, question, within, choose);
  const compared = compare ? previousRange(timezone, within) : undefined;
  const before = compared && (await run(asking, question, compared, choose));
  const { rows, leftOut } = rowsOf(question, now, before);
  const because = [...now.because, ...(before?.because ?? [])];
  if (leftOut > 0) because.push("rowsLeftOut");
  return {
    results: rows,
    ...(now.totals && { totals: now.totals }),
    ...(before?.totals && { previousTotals: before.totals }),
    query: understood(question, within),
    ...(explain && {
      explain: { ...now.explain, tookMs: Math.round(performance.now() - startedAt) },
    }),
    told: {
      ...exactness(because),
      source: now.source,
      rows: rows.length,
      rowsLeftOut: leftOut,
      ...(range && { range: toldRange(range) }),
      ...(compared && { comparedRange: toldRange(compared) }),
    },
  };
}

async function run(
  asking: Asking,
  question: QueryQuestion,
  range: Range,
  choose: typeof planOf,
): Promise<Ran> {
  const spans = periodsOf(question, range);
  const plan: Plan = choose(question, asking.rolledUp, spans);
  const ran =
    plan.source === "rollup"
      ? await runOnRollups(asking, question, plan, range, spans)
      : await runOnEvents(asking, plan, range);
  const because = [...ran.because, ...(isEstimated(question, ran) ? ["sketch" as const] : [])];
  return { ...ran, because, ...(spans && { periods: spans }) };
}

async function runOnRollups(
  { store, project }: Asking,
  question: QueryQuestion,
  plan: RollupPlan,
  range: Range,
  spans?: readonly Period[],
): Promise<Ran> {
  const columns = spans ?? [{ start: range.from, end: range.to }];
  const cover = coverAll(columns, await marksOf(store, project, range));
  const [values, users] = await Promise.all([
    coveredRows(store, project, cover, plan.section),
    plan.users ? coveredRows(store, project, cover, "users") : [],
  ]);
  const { exact, ...groups } = rollupGroups(question, plan, { values, users }, spans);
  return {
    ...groups,
    because: exact ? [] : ["other"],
    source: sourceOf(cover),
    explain: { plan: "rollup", section: plan.section, rollups: bucketsOf(cover) },
  };
}

async function runOnEvents(
  asking: Asking,
  { filter, job }: EventsPlan,
  range: Range,
): Promise<Ran> {
  const { result, events, estimate } = await asking.analyze({ ...range, ...filter }, job);
  return {
    ...result,
    because: [],
    source: "events",
    explain: { plan: "events", events: { estimate, met: events } },
  };
}

function periodsOf(
  { interval, timezone }: QueryQuestion,
  range: Range,
): readonly Period[] | undefined {
  if (interval === undefined) return undefined;
  const count = countPeriods(interval, range);
  if (count <= maxPeriods) return periods(interval, timezone, range);
  const message = `the range has about ${count} periods of a ${interval}; at most ${maxPeriods} are answered: choose a longer interval or a shorter range`;
  throw new ServiceError("VALIDATION", undefined, {
    errors: [{ pointer: "/dimensions", code: "too_many_periods", message }],
  });
}

function bucketsOf({ rollups, deltas }: Cover): NonNullable<Explanation["rollups"]> {
  const [minute, hour, day] = grains.map((grain) =>
    rollups[grain].reduce((sum, { from, to }) => sum + (to - from) / grainMs[grain], 0),
  ) as [number, number, number];
  return { minute, hour, day, deltas: deltas.length };
}

/** The question with its defaults, its range closed. */
function understood(question: QueryQuestion, { from, to }: Range): object {
  const { metrics, dimensions, filter, timezone, orderBy, limit } = question;
  const columns = [...dimensions, ...metrics].map(({ name }) => name);
  return {
    metrics: metrics.map(({ name }) => name),
    dimensions: dimensions.map(({ name }) => name),
    ...(filter && { filters: filtersOf(filter) }),
    range: { from: new Date(from).toISOString(), to: new Date(to).toISOString() },
    timezone,
    orderBy: orderBy.map(({ column, descending }) => [
      columns[column],
      descending ? "desc" : "asc",
    ]),
    limit,
  };
}
