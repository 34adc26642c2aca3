import { periods, type Period } from "../counting/calendar.ts";
import { previousRange } from "../questions/query/comparison.ts";
import {
  planOf,
  type Plan,
  eventsPlanOf,
  needsOther,
  rollupPlanOf,
  typesOf,
  type EventsPlan,
  type RollupPlan,
} from "./plan.ts";
import { filtersOf } from "../questions/reading/filter-body.ts";
import { rowsOf, type Answered, type QueryRow } from "./query-rows.ts";
import type { QueryQuestion } from "../questions/query/question.ts";
import type { ReadCost } from "../store/store.ts";
import { rowCursorOf } from "../questions/reading/cursor.ts";
import { exactness, metaRange, type Reason, type OwnMeta } from "../questions/answer-meta.ts";
import type { QuestionReads } from "./reads.ts";
import { seriesOf, closedByEvents, closedByRollups, closedRange } from "./range.ts";
import type { Range } from "../event/filter.ts";
import { bounded, withinBudget } from "./budget.ts";
import { OTHER } from "../counting/cells.ts";
import type { Cover } from "../counting/cover.ts";
import type { Breakdown } from "../questions/query/breakdown.ts";
import { filterOf, hasSome, RollupGroups } from "./rollup-groups.ts";
import { grainMs, grains } from "../counting/bucket.ts";
import { coveredRows, isLost, readCovered, readRollups } from "./rollup-reads.ts";

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
 * Answers a query from rollups where they suffice, else from the events.
 * @param choose another plan than the planner's; for tests that ask both ways
 * @throws ServiceError VALIDATION for too many periods, QUERY_TOO_EXPENSIVE for too many events or
 * groups
 */
export async function answerQuery(
  reads: QuestionReads,
  question: QueryQuestion,
  choose: typeof planOf = planOf,
): Promise<Queried> {
  const startedAt = performance.now();
  const { range: open, timezone, interval, explain, compare, page } = question;
  const range = await rangeOf(reads, question);
  // In an empty store any range will do.
  const within = range ?? { from: open.from ?? open.to ?? 0, to: open.to ?? open.from ?? 0 };
  const compared = compare ? previousRange(timezone, within) : undefined;
  return bounded(async () => {
    const spans = interval && seriesOf("/dimensions", { interval, timezone }, open, within);
    const now = await run(reads, question, { range: within, spans }, choose);
    const before =
      compared && (await run(reads, question, dividedBefore(question, compared), choose));
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
  reads: QuestionReads,
  question: QueryQuestion,
  { range, spans }: Divided,
  choose: typeof planOf,
): Promise<Ran & Answered> {
  const plan: Plan = choose(question, reads.rolledUp, spans);
  const ran =
    plan.source === "rollup"
      ? await withinBudget((budget) => runOnRollups(reads, question, plan, range, spans, budget))
      : await runOnEvents(reads, question, plan, range);
  const because = [...ran.because, ...(ran.estimated ? ["sketch" as const] : [])];
  return { ...ran, because, ...(spans && { periods: spans }) };
}

/** A range, and its periods where time is a dimension. */
interface Divided {
  readonly range: Range;
  readonly spans: readonly Period[] | undefined;
}

/**
 * Divides the range before. It is as long on the calendar as the question's own range, but may have
 * a few more periods, which no limit refuses: the asker chose only the other range.
 */
function dividedBefore({ interval, timezone }: QueryQuestion, range: Range): Divided {
  return { range, spans: interval && periods(interval, timezone, range) };
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

/** How an answer was made, for `explain`. */
interface Explanation {
  readonly plan: "rollup" | "events";
  /** The section of the rollups that was read. */
  readonly section?: string;
  /**
   * How many buckets of each grain were planned to be read, and how many marked minutes were
   * summed.
   */
  readonly rollups?: Readonly<Record<"minute" | "hour" | "day" | "deltas", number>>;
  readonly events?: {
    /** How many events were expected, by their types and times. */
    readonly estimate: number;
    /** How many events met the filter. */
    readonly met: number;
    /** What was to be fetched, where events are read as columns. */
    readonly fetched?: ReadCost;
  };
}

/** The result of a plan for one range. */
interface Ran extends Breakdown {
  readonly because: readonly Reason[];
  readonly source: OwnMeta["source"];
  readonly explain: Explanation;
}

/**
 * The range of a question; for a series, with its open ends closed around the events that meet it.
 */
async function rangeOf(reads: QuestionReads, question: QueryQuestion): Promise<Range | undefined> {
  const { range: open, filter, interval } = question;
  const types = filter && typesOf(filter);
  const range = await closedRange(reads, open, types);
  const isClosed = open.from !== undefined && open.to !== undefined;
  if (range === undefined || isClosed || filter === undefined || interval === undefined)
    return range;
  const plan = rollupPlanOf(question, reads.rolledUp);
  if (plan === undefined) {
    return closedByEvents(reads, open, eventsPlanOf(question).filter);
  }
  const { section } = plan;
  const meets = filterOf(plan);
  return closedByRollups(reads, open, range, {
    section,
    filter: eventsPlanOf(question).filter,
    isIn: (cells) =>
      hasSome(
        cells,
        section,
        (type, value) => ![type, value].includes(OTHER) && meets(type, value),
      ),
    mayBeIn: needsOther(question, section),
  });
}

/**
 * Answers from rollups, and from the events of cut buckets where the question needs what was cut.
 * The users of cut buckets are counted from the events of the whole range; where some of these were
 * dropped, the cut rollups stay.
 * @param budget `rollups` never reads events in place of cut buckets
 */
async function runOnRollups(
  reads: QuestionReads,
  question: QueryQuestion,
  plan: RollupPlan,
  range: Range,
  spans: readonly Period[] | undefined,
  budget: "events" | "rollups",
): Promise<Ran> {
  const { section, filter } = plan;
  const rollups = await readRollups(reads, range, section, spans);
  const needs = needsOther(question, section);
  const groups = new RollupGroups(question, plan, spans);
  const types = filter && typesOf(filter);
  let isCutByUsers = false;
  if (plan.users) {
    const readsEvents = budget === "events" && !isLost(reads, types)(range);
    for await (const { row } of coveredRows(reads, { cover: rollups.cover, section: "users" })) {
      isCutByUsers ||= !row.exact && needs(row.cells);
      if (isCutByUsers && readsEvents)
        return runOnEvents(reads, question, eventsPlanOf(question, spans), range);
      groups.addUsers(row);
    }
  }
  const narrow = { ...(types && { types }), ...(filter && { where: [filter] }) };
  const reading = { ...rollups, needs, filter: narrow };
  // Counts stay cut with the users of their rows.
  const countedFrom = isCutByUsers ? "rollups" : budget;
  const { isCut, source, events } = await readCovered(reads, reading, countedFrom, (row) =>
    groups.addValues(row),
  );
  return {
    ...groups.finish(),
    because: isCut || isCutByUsers ? ["other"] : [],
    source,
    explain: {
      plan: "rollup",
      section,
      rollups: bucketsOf(rollups.cover),
      ...(events && { events }),
    },
  };
}

async function runOnEvents(
  reads: QuestionReads,
  { explain }: Pick<QueryQuestion, "explain">,
  { filter, job }: EventsPlan,
  range: Range,
): Promise<Ran> {
  const cost = explain ? await reads.cost({ ...range, ...filter }, job) : undefined;
  const { result, events, estimate } = await reads.analyze({ ...range, ...filter }, job);
  return {
    ...result,
    because: [],
    source: "events",
    explain: {
      plan: "events",
      events: { estimate, met: events, ...(cost && { fetched: cost }) },
    },
  };
}

function bucketsOf({ rollups, deltas }: Cover): NonNullable<Explanation["rollups"]> {
  const [minute, hour, day] = grains.map((grain) =>
    rollups[grain].reduce((sum, { from, to }) => sum + (to - from) / grainMs[grain], 0),
  ) as [number, number, number];
  return { minute, hour, day, deltas: deltas.length };
}
