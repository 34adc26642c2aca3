import { periods } from "../../lib/analytics/calendar.ts";
import { userOf } from "../../lib/analytics/delta.ts";
import { valueOf } from "../../lib/analytics/dimensions.ts";
import type { QueryRow } from "../../lib/analytics/query-answer.ts";
import type { QueryQuestion } from "../../lib/analytics/query-question.ts";
import { propertyAt } from "../../lib/event/condition.ts";
import { meets } from "../../lib/event/predicate.ts";
import type { StoredEvent } from "../../lib/event/event.ts";
import type { Range } from "../../lib/store/store.ts";

interface Recount {
  readonly rows: readonly QueryRow[];
  readonly total: QueryRow;
}

/** What the planner, the rollups and the folds are compared with: a recount of all events. */
export function recount(
  stored: readonly StoredEvent[],
  question: QueryQuestion,
  range: Range,
): Recount {
  const { dimensions, filter, interval, timezone, fill } = question;
  const spans = interval && periods(interval, timezone, range);
  const met = stored.filter(
    (event) =>
      event.timestamp >= range.from &&
      event.timestamp < range.to &&
      (filter === undefined || meets(event, filter)),
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
    for (const key of keys.map((text) => JSON.parse(text) as string[])) {
      for (const span of spans) {
        const name = JSON.stringify(key.with(time, span.time));
        if (!groups.has(name)) groups.set(name, []);
      }
    }
  }
  const rows = [...groups].map(([key, of]) => ({
    dimensions: JSON.parse(key) as string[],
    metrics: measured(of, question),
  }));
  return { rows, total: { dimensions: [], metrics: measured(met, question) } };
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
    const numbers = events
      .map((event) => propertyAt(event, metric.path))
      .filter((it) => typeof it === "number");
    const sum = numbers.reduce((total, number) => total + number, 0);
    if (metric.op === "sum") return sum;
    if (numbers.length === 0) return null;
    if (metric.op === "avg") return sum / numbers.length;
    numbers.sort((a, b) => a - b);
    if (metric.op === "min") return numbers[0]!;
    const rank = metric.op === "quantile" ? Math.floor(metric.q * (numbers.length - 1)) : -1;
    return numbers.at(rank)!;
  });
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
