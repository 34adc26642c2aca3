import { ServiceError } from "../errors.ts";
import type { Breakdown, Group } from "./breakdown.ts";
import type { Period } from "./calendar.ts";
import type { Metric } from "./metric.ts";
import { maxGroups } from "./plan.ts";
import type { QueryQuestion } from "./query-question.ts";
import { exactLimit } from "./sketch.ts";

/** One row: the dimensions as they were asked for, the period of a time dimension by its start. */
export interface QueryRow {
  readonly dimensions: readonly string[];
  readonly metrics: readonly (number | null)[];
  /** The metrics of the period before, where they were asked for. */
  readonly previous?: readonly (number | null)[];
}

/** The groups of one range, and its periods. */
export interface Answered extends Breakdown {
  readonly periods?: readonly Period[];
}

type Key = readonly (string | number)[];

/**
 * Put the groups into the order asked for, the first `limit` of them, with rows for periods in which
 * nothing happened. Values that are missing come last in either direction; what is equal is ordered by
 * its dimensions.
 */
export function rowsOf(
  question: QueryQuestion,
  now: Answered,
  before?: Answered,
): { readonly rows: readonly QueryRow[]; readonly leftOut: number } {
  const earlier = new Map(before?.groups.map((group) => [JSON.stringify(group.dimensions), group]));
  const nothing = nothingOf(question);
  const all = before === undefined ? now : { ...now, groups: withThoseOf(before, now, nothing) };
  const rows = filled(question, all).map(({ dimensions, metrics }) => ({
    key: dimensions,
    metrics,
    ...(before && { previous: earlier.get(JSON.stringify(dimensions))?.metrics ?? nothing }),
  }));
  rows.sort((a, b) => compareRows(question, a, b));
  const shown = rows.slice(0, question.limit).map(({ key, ...row }) => ({
    dimensions: key.map((value) => (typeof value === "number" ? now.periods![value]!.time : value)),
    ...row,
  }));
  return { rows: shown, leftOut: rows.length - shown.length };
}

/** Whether numbers are estimates: many users are, and so are quantiles. */
export function isEstimated({ metrics }: QueryQuestion, { groups, totals }: Breakdown): boolean {
  const all = [...groups.map((group) => group.metrics), ...(totals ? [totals] : [])];
  return metrics.some(({ metric }, i) => {
    if (metric.op === "quantile") return true;
    return metric.op === "uniques" && all.some((values) => (values[i] ?? 0) > exactLimit);
  });
}

/** The metrics of no events. */
export function nothingOf({ metrics }: QueryQuestion): readonly (number | null)[] {
  return metrics.map(({ metric }) => ofNothing(metric));
}

function ofNothing({ op }: Metric): number | null {
  return op === "count" || op === "uniques" || op === "sum" ? 0 : null;
}

/** Groups that there were before count too: as ones of nothing now. */
function withThoseOf(
  before: Answered,
  { groups, periods = [] }: Answered,
  nothing: Group["metrics"],
): readonly Group[] {
  const known = new Set(groups.map(({ dimensions }) => JSON.stringify(dimensions)));
  const gone = before.groups.filter(
    ({ dimensions }) =>
      !known.has(JSON.stringify(dimensions)) &&
      dimensions.every((value) => typeof value === "string" || value < periods.length),
  );
  return [...groups, ...gone.map(({ dimensions }) => ({ dimensions, metrics: nothing }))];
}

function filled(question: QueryQuestion, { groups, periods }: Answered): readonly Group[] {
  const time = question.dimensions.findIndex(({ dimension }) => "time" in dimension);
  if (time < 0 || periods === undefined || !question.fill) return groups;
  const series = Map.groupBy(groups, ({ dimensions }) => JSON.stringify(dimensions.with(time, 0)));
  // Without another dimension there is a series also of nothing.
  if (question.dimensions.length === 1 && groups.length === 0) series.set("[0]", []);
  if (series.size * periods.length > maxGroups) {
    throw new ServiceError(
      "QUERY_TOO_EXPENSIVE",
      `${series.size} groups in ${periods.length} periods each are more than ${maxGroups} rows: ask with "fill": false, a longer interval or fewer dimensions`,
    );
  }
  const nothing = nothingOf(question);
  return [...series].flatMap(([name, known]) => {
    const key = JSON.parse(name) as Key;
    const byPeriod = new Map(known.map((group) => [group.dimensions[time], group]));
    return periods.map(
      (_, period) =>
        byPeriod.get(period) ?? { dimensions: key.with(time, period), metrics: nothing },
    );
  });
}

interface Row {
  readonly key: Key;
  readonly metrics: readonly (number | null)[];
}

function compareRows({ orderBy, dimensions }: QueryQuestion, a: Row, b: Row): number {
  for (const { column, descending } of orderBy) {
    const at = column - dimensions.length;
    const [x, y] = at < 0 ? [a.key[column]!, b.key[column]!] : [a.metrics[at]!, b.metrics[at]!];
    if (x === null || y === null) {
      if (x !== y) return x === null ? 1 : -1;
    } else if (x !== y) {
      return x < y === descending ? 1 : -1;
    }
  }
  for (const [i, x] of a.key.entries()) {
    const y = b.key[i]!;
    if (x !== y) return x < y ? -1 : 1;
  }
  return 0;
}
