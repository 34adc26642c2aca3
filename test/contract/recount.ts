import { periods } from "../../lib/counting/calendar.ts";
import { valueOf } from "../../lib/event/shown-value.ts";
import type { QueryRow } from "../../lib/answers/query-rows.ts";
import type { QueryQuestion } from "../../lib/questions/query/question.ts";
import { propertyAt, meets, type Range } from "../../lib/event/filter.ts";
import { type StoredEvent, userOf } from "../../lib/event/event.ts";
import type { PropertyPath } from "../../lib/event/property-path.ts";

export interface Recount {
  readonly rows: readonly QueryRow[];
  readonly total: QueryRow;
  /** Whether a sketch is needed: quantiles of numbers that differ. */
  readonly estimated: boolean;
}

/** The events that a question is about, of any range. */
export function eventsOf(
  stored: readonly StoredEvent[],
  { filter }: Pick<QueryQuestion, "filter">,
): readonly StoredEvent[] {
  return stored.filter((event) => filter === undefined || meets(event, filter));
}

/** What the planner, the rollups and the folds are compared with: a recount of all events. */
export function recount(
  stored: readonly StoredEvent[],
  question: QueryQuestion,
  range: Range,
): Recount {
  const { dimensions, interval, timezone, fill } = question;
  const spans = interval && periods(interval, timezone, range);
  const met = eventsOf(stored, question).filter(
    ({ timestamp }) => timestamp >= range.from && timestamp < range.to,
  );
  const keyOf = (event: StoredEvent) =>
    dimensions.map(({ name, dimension }) =>
      "time" in dimension
        ? spans!.find(({ start, end }) => event.timestamp >= start && event.timestamp < end)!.time
        : valueOf(event, name),
    );
  const groups = Map.groupBy(met, (event) => JSON.stringify(keyOf(event)));
  if (dimensions.length === 0 && met.length === 0) groups.set("[]", []);
  const time = dimensions.findIndex(({ dimension }) => "time" in dimension);
  if (fill && spans !== undefined) {
    const keys = [...groups.keys(), ...(dimensions.length === 1 ? ['[""]'] : [])];
    const others = new Set(keys.map((key) => JSON.stringify(of(key).with(time, ""))));
    for (const key of others) {
      for (const span of spans) {
        const name = JSON.stringify(of(key).with(time, span.time));
        if (!groups.has(name)) groups.set(name, []);
      }
    }
  }
  const rows = [...groups].map(([key, events]) => ({
    dimensions: of(key),
    metrics: measured(events, question),
  }));
  return {
    rows,
    total: { dimensions: [], metrics: measured(met, question) },
    estimated: [met, ...groups.values()].some((events) => needsSketch(events, question)),
  };
}

function of(key: string): string[] {
  return JSON.parse(key) as string[];
}

function numbersOf(events: readonly StoredEvent[], path: PropertyPath): number[] {
  return events
    .map((event) => propertyAt(event, path))
    .filter((it) => typeof it === "number")
    .sort((a, b) => a - b);
}

function needsSketch(events: readonly StoredEvent[], { metrics }: QueryQuestion): boolean {
  return metrics.some(({ metric }) => {
    if (metric.op !== "quantile") return false;
    const numbers = numbersOf(events, metric.path);
    return numbers.length > 0 && numbers[0] !== numbers.at(-1);
  });
}

function measured(
  events: readonly StoredEvent[],
  { metrics }: QueryQuestion,
): readonly (number | null)[] {
  return metrics.map(({ metric }) => {
    if (!("path" in metric)) {
      if (metric.op === "count") return events.length;
      return new Set(events.map(userOf).filter((user) => user !== undefined)).size;
    }
    const numbers = numbersOf(events, metric.path);
    const sum = numbers.reduce((total, number) => total + number, 0);
    if (metric.op === "sum") return sum;
    if (numbers.length === 0) return null;
    if (metric.op === "avg") return sum / numbers.length;
    if (metric.op === "min") return numbers[0]!;
    const rank = metric.op === "quantile" ? Math.floor(metric.q * (numbers.length - 1)) : -1;
    return numbers.at(rank)!;
  });
}

/** The rows of an answer, and where there is a comparison each period of both ranges once. */
export function expectRows(
  question: QueryQuestion,
  rows: readonly QueryRow[] | undefined,
  now: Recount,
  before: Recount | undefined,
): void {
  if (rows === undefined) return;
  if (before === undefined) return expectAgreement(question, rows, now.rows);
  const time = question.dimensions.findIndex(({ dimension }) => "time" in dimension);
  const current = rows.filter(({ dimensions }) => !dimensions.includes(null));
  for (const row of rows) {
    if (row.dimensions.includes(null))
      expect(row.metrics).toEqual(question.metrics.map(() => null));
    if (time >= 0) expect(row.previous === null).toBe(row.previousTime === null);
  }
  const earlier = rows.flatMap(({ dimensions, previous, previousTime }) =>
    previous
      ? [
          {
            dimensions: time < 0 ? dimensions : dimensions.with(time, previousTime!),
            metrics: previous,
          },
        ]
      : [],
  );
  expectAgreement(question, withoutFilled(question, current, now), now.rows);
  expectAgreement(question, withoutFilled(question, earlier, before), before.rows);
}

/** Without those of nothing that are there for their counterpart in the other range. */
function withoutFilled(
  question: QueryQuestion,
  rows: readonly QueryRow[],
  expected: Recount,
): readonly QueryRow[] {
  const nothing = JSON.stringify(measured([], question));
  const known = new Set(expected.rows.map(({ dimensions }) => JSON.stringify(dimensions)));
  return rows.filter(
    ({ dimensions, metrics }) =>
      known.has(JSON.stringify(dimensions)) || JSON.stringify(metrics) !== nothing,
  );
}

/** The same rows, in any order, with the same numbers, as far as those are promised. */
export function expectAgreement(
  question: QueryQuestion,
  found: readonly QueryRow[],
  expected: readonly QueryRow[],
): void {
  const byKey = (rows: readonly QueryRow[]) =>
    new Map(rows.map((row) => [JSON.stringify(row.dimensions), row.metrics]));
  const [a, b] = [byKey(found), byKey(expected)];
  expect([...a.keys()].sort()).toEqual([...b.keys()].sort());
  expect(found).toHaveLength(a.size);
  for (const [key, metrics] of a) {
    metrics.forEach((value, i) => {
      const wanted = b.get(key)![i]!;
      const { name } = question.metrics[i]!;
      const tolerance = name.startsWith("p") ? 0.0101 : 1e-9;
      const close =
        value === wanted || Math.abs(value! - wanted) <= tolerance * Math.abs(wanted) + 1e-300;
      if (!close) expect({ name, key, value }).toEqual({ name, key, value: wanted });
    });
  }
}
