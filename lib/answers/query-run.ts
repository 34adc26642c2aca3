import type { Period } from "../counting/calendar.ts";
import type { Cover } from "../counting/cover.ts";
import {
  eventsPlanOf,
  needsOther,
  rollupPlanOf,
  typesOf,
  type EventsPlan,
  type RollupPlan,
} from "./plan.ts";
import type { Breakdown } from "../questions/query/breakdown.ts";
import type { QueryQuestion } from "../questions/query/question.ts";
import { filterOf, hasSome, RollupGroups } from "./rollup-groups.ts";
import type { Reason, OwnMeta } from "../questions/answer-meta.ts";
import { grainMs, grains } from "../counting/bucket.ts";
import type { QuestionContext } from "./context.ts";
import { closedByEvents, closedByRollups, closedRange } from "./closed-range.ts";
import { readCovered, readRollups } from "./rollup-reads.ts";
import type { Range } from "../event/filter.ts";

/** How an answer was made, for `explain`. */
export interface Explanation {
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
  };
}

/** The result of a plan for one range. */
export interface Ran extends Breakdown {
  readonly because: readonly Reason[];
  readonly source: OwnMeta["source"];
  readonly explain: Explanation;
}

/**
 * The range of a question; for a series, with its open ends closed around the events that meet it.
 */
export async function rangeOf(
  asking: QuestionContext,
  question: QueryQuestion,
): Promise<Range | undefined> {
  const { range: open, filter, interval } = question;
  const types = filter && typesOf(filter);
  const range = await closedRange(asking, open, types);
  const isClosed = open.from !== undefined && open.to !== undefined;
  if (range === undefined || isClosed || filter === undefined || interval === undefined)
    return range;
  const plan = rollupPlanOf(question, asking.rolledUp);
  if (plan === undefined) {
    return closedByEvents(asking, open, eventsPlanOf(question).filter);
  }
  const { section } = plan;
  const needs = needsOther(question, section);
  const meets = filterOf(plan);
  return closedByRollups(asking, open, range, {
    section,
    isIn: ({ cells, exact }) => (!exact && needs(cells)) || hasSome(cells, section, meets),
  });
}

/**
 * Answers from rollups, and from the events of cut buckets where the question needs what was cut.
 * @param budget `rollups` never reads events in place of cut buckets
 */
export async function runOnRollups(
  asking: QuestionContext,
  question: QueryQuestion,
  plan: RollupPlan,
  range: Range,
  spans: readonly Period[] | undefined,
  budget: "events" | "rollups",
): Promise<Ran> {
  const { section, filter } = plan;
  const rollups = await readRollups(asking, range, spans);
  const needs = needsOther(question, section);
  const groups = new RollupGroups(question, plan, spans);
  if (plan.users) {
    let isCut = false;
    for await (const { row } of rollups.rows("users")) {
      isCut ||= !row.exact && needs(row.cells);
      if (isCut && budget === "events")
        return runOnEvents(asking, eventsPlanOf(question, spans), range);
      groups.addUsers(row);
    }
  }
  const types = filter && typesOf(filter);
  const narrow = { ...(types && { types }), ...(filter && { where: [filter] }) };
  const reading = { ...rollups, section, needs, filter: narrow };
  const { isCut, source, events } = await readCovered(asking, reading, budget, (row) =>
    groups.addValues(row),
  );
  return {
    ...groups.finish(),
    because: isCut ? ["other"] : [],
    source,
    explain: {
      plan: "rollup",
      section,
      rollups: bucketsOf(rollups.cover),
      ...(events && { events }),
    },
  };
}

export async function runOnEvents(
  asking: QuestionContext,
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

function bucketsOf({ rollups, deltas }: Cover): NonNullable<Explanation["rollups"]> {
  const [minute, hour, day] = grains.map((grain) =>
    rollups[grain].reduce((sum, { from, to }) => sum + (to - from) / grainMs[grain], 0),
  ) as [number, number, number];
  return { minute, hour, day, deltas: deltas.length };
}
