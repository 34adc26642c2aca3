import type { Breakdown, Group } from "../questions/query/breakdown.ts";
import type { Period } from "../counting/calendar.ts";
import { pairsOf, type Pair } from "../questions/query/comparison.ts";
import { FoldOverflow } from "../questions/fold.ts";
import { compareGroups, firstOf } from "../questions/query/group-order.ts";
import type { Metric } from "../questions/query/metric.ts";
import { maxGroups } from "./plan.ts";
import type { QueryQuestion } from "../questions/query/question.ts";

type Metrics = readonly (number | null)[];

/** One row: the dimensions as they were asked for, the period of a time dimension by its start. */
export interface QueryRow {
  /** `null` for a period that only the range before has; the metrics are `null` then. */
  readonly dimensions: readonly (string | null)[];
  readonly metrics: Metrics;
  /**
   * The metrics of the range before, where the question compares; `null` where that range has no
   * such period.
   */
  readonly previous?: Metrics | null;
  /**
   * The start of the counterpart period in the range before, where the question compares; `null`
   * where there is none.
   */
  readonly previousTime?: string | null;
}

/** The groups of one range, with its periods. */
export interface Answered extends Breakdown {
  readonly periods?: readonly Period[];
}

/** The rows of a page, and how many more follow. */
export interface Rows {
  readonly rows: readonly QueryRow[];
  readonly leftOut: number;
}

/** A group; its time dimension is the index of a pair of periods. */
interface Row {
  readonly dimensions: readonly (string | number)[];
  readonly metrics: Metrics;
  readonly previous?: Metrics | null;
  /** Whether only the range before has this period. */
  readonly isGone: boolean;
}

/**
 * Orders the groups and takes `limit` of them after the first `offset`, with rows for periods in
 * which nothing happened. Without an order of its own a question gets the newest periods, shown in
 * the order of time.
 * @throws FoldOverflow where there are more than `maxGroups` rows
 */
export function rowsOf(question: QueryQuestion, now: Answered, before?: Answered): Rows {
  const { limit, orderBy, newestFirst, page } = question;
  const pairs = pairsFor(question, now, before);
  const rows = joined(question, pairs, now, before);
  const taking = newestFirst ? orderBy.with(0, { ...orderBy[0]!, descending: true }) : orderBy;
  const first = firstOf(rows, page.offset + limit, (a, b) => compareGroups(taking, a, b));
  const taken = first.slice(page.offset);
  if (newestFirst) taken.sort((a, b) => compareGroups(orderBy, a, b));
  const all = rows.length + (now.groupsLeft ?? 0);
  return {
    rows: taken.map((row) => shown(row, pairs, now, before)),
    leftOut: Math.max(0, all - page.offset - taken.length),
  };
}

/** The metrics of no events. */
function nothingOf({ metrics }: QueryQuestion): Metrics {
  return metrics.map(({ metric }) => ofNothing(metric));
}

function ofNothing({ op }: Metric): number | null {
  return op === "count" || op === "uniques" || op === "sum" ? 0 : null;
}

function pairsFor(
  { interval }: QueryQuestion,
  { periods = [] }: Answered,
  before?: Answered,
): readonly Pair[] {
  if (interval === undefined) return [];
  if (before === undefined) return periods.map((_, i) => ({ now: i }));
  return pairsOf(interval, periods, before.periods ?? []);
}

/** Pairs the groups of both ranges. */
function joined(
  question: QueryQuestion,
  pairs: readonly Pair[],
  now: Answered,
  before?: Answered,
): readonly Row[] {
  const time = question.dimensions.findIndex(({ dimension }) => "time" in dimension);
  if (before === undefined && !(time >= 0 && question.fill)) {
    return now.groups.map((group) => ({ ...group, isGone: false }));
  }
  const pairOf = new Map(pairs.map(({ before: index }, pair) => [index, pair]));
  const current = byKey(now.groups);
  const earlier = byKey(
    (before?.groups ?? []).map(({ dimensions, metrics }) => ({
      dimensions:
        time < 0 ? dimensions : dimensions.with(time, pairOf.get(dimensions[time] as number)!),
      metrics,
    })),
  );
  const nothing = nothingOf(question);
  const missing = nothing.map(() => null);
  const has = (key: Row["dimensions"], range: keyof Pair) =>
    time < 0 || pairs[key[time] as number]![range] !== undefined;
  return keysOf(question, time, pairs.length, [...current.values(), ...earlier.values()]).map(
    (key) => {
      const name = JSON.stringify(key);
      const isGone = !has(key, "now");
      const metrics = isGone ? missing : (current.get(name)?.metrics ?? nothing);
      if (before === undefined) return { dimensions: key, metrics, isGone };
      const previous = has(key, "before") ? (earlier.get(name)?.metrics ?? nothing) : null;
      return { dimensions: key, metrics, previous, isGone };
    },
  );
}

function byKey(groups: readonly Group[]): ReadonlyMap<string, Group> {
  return new Map(groups.map((group) => [JSON.stringify(group.dimensions), group]));
}

/** The keys of all rows, each once: those of the groups and, if wanted, those of empty periods. */
function keysOf(
  question: QueryQuestion,
  time: number,
  pairs: number,
  groups: readonly Group[],
): readonly Row["dimensions"][] {
  const fills = time >= 0 && question.fill;
  const names = new Set(
    groups.map(({ dimensions }) => JSON.stringify(fills ? dimensions.with(time, 0) : dimensions)),
  );
  // A question by time alone has a series even where nothing happened.
  if (fills && question.dimensions.length === 1) names.add("[0]");
  const keys = [...names].map((name) => JSON.parse(name) as Row["dimensions"]);
  if (!fills) return keys;
  if (keys.length * pairs > maxGroups) {
    throw new FoldOverflow(
      `${keys.length} groups in ${pairs} periods each are ${keys.length * pairs} rows, and at most ${maxGroups} are made: ask with "fill": false, a longer interval or fewer dimensions`,
    );
  }
  return keys.flatMap((key) => Array.from({ length: pairs }, (_, pair) => key.with(time, pair)));
}

function shown(
  { dimensions, metrics, previous }: Row,
  pairs: readonly Pair[],
  now: Answered,
  before?: Answered,
): QueryRow {
  const pair = pairs[dimensions.find((value) => typeof value === "number") ?? -1];
  const timeOf = ({ periods }: Answered, index?: number) =>
    index === undefined ? null : periods![index]!.time;
  return {
    dimensions: dimensions.map((value) =>
      typeof value === "number" ? timeOf(now, pair!.now) : value,
    ),
    metrics,
    ...(before && { previous: previous ?? null }),
    ...(before && pair && { previousTime: timeOf(before, pair.before) }),
  };
}
