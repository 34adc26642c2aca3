import { readPath, type PropertyPath } from "../../event/property-path.ts";
import type { Predicate, OpenRange } from "../../event/filter.ts";
import { firstInstant } from "../../event/instant.ts";
import { previousRange } from "./comparison.ts";
import type { Dimension } from "./dimension.ts";
import type { Order } from "./group-order.ts";
import { intervals, type Interval } from "../../counting/calendar.ts";
import { resolveDimension } from "../../counting/dimensions.ts";
import type { Metric } from "./metric.ts";
import { filter } from "../reading/filter-body.ts";
import { range, readBody } from "../reading/body.ts";
import { readRowCursor, rowCursor, scopeOf, type RowPage } from "../reading/cursor.ts";
import {
  choice,
  described,
  fieldOf,
  flag,
  later,
  timezone,
  whole,
  type Field,
  type Findings,
} from "../reading/field.ts";

/** A checked question of `POST /api/v1/query`. */
export interface QueryQuestion {
  readonly metrics: readonly NamedMetric[];
  readonly dimensions: readonly NamedDimension[];
  readonly filter?: Predicate;
  readonly range: OpenRange;
  readonly timezone: string;
  /** The period of the dimension `time`, if it is one of the dimensions. */
  readonly interval?: Interval;
  readonly orderBy: readonly Order[];
  readonly limit: number;
  readonly totals: boolean;
  readonly explain: boolean;
  /** Whether the answer compares with the range before, which is as long. */
  readonly compare: boolean;
  /** Whether periods in which nothing happened have rows. */
  readonly fill: boolean;
  /**
   * Whether the newest periods are shown where there are more rows than `limit`: so it is where the
   * question names no order.
   */
  readonly newestFirst: boolean;
  readonly page: RowPage;
}

interface NamedMetric {
  readonly name: string;
  readonly metric: Metric;
}

interface NamedDimension {
  /** The dimension's canonical name: `context.country`, `time:day`. */
  readonly name: string;
  readonly dimension: Dimension;
}

const maxMetrics = 10;
const maxDimensions = 4;
const maxRows = 10_000;
const usualRows = 1_000;

const plain = ["count", "uniques"] as const;
const ofNumbers = ["sum", "avg", "min", "max"] as const;
const quantiles: ReadonlyMap<string, number> = new Map([
  ["p50", 0.5],
  ["p75", 0.75],
  ["p90", 0.9],
  ["p95", 0.95],
  ["p99", 0.99],
]);
const allowedMetrics = `a metric is ${plain.join(", ")}, or one of ${[...ofNumbers, ...quantiles.keys()].join(", ")} with a property, such as sum:data.amount`;
const allowedDimensions = `a dimension is type, source, correlationId, a path into data, metadata or context, or time:${intervals.join("|")}`;

const metricNames = names([1, maxMetrics], ["count"]);
const dimensionNames = names([0, maxDimensions], []);

const metrics: Field<readonly NamedMetric[]> = {
  schema: {
    ...metricNames.schema,
    description: `What is computed: ${allowedMetrics}`,
    examples: [["count", "sum:data.amount"]],
  },
  read: (value, at, findings) =>
    metricNames.read(value, at, findings).flatMap((name, i) => {
      const metric = metricOf(name);
      if (metric !== undefined) return [{ name, metric }];
      const pointer = `${at.pointer}/${i}`;
      findings.push({ pointer, code: "metric", message: allowedMetrics });
      return [];
    }),
};

const dimensions: Field<readonly NamedDimension[]> = {
  schema: {
    ...dimensionNames.schema,
    description: `By what it is grouped: ${allowedDimensions}`,
    examples: [["type", "time:day"]],
  },
  read(value, at, findings) {
    const read = dimensionNames.read(value, at, findings).flatMap((name, i) => {
      const dimension = dimensionOf(name);
      if (dimension !== undefined) return [dimension];
      const pointer = `${at.pointer}/${i}`;
      findings.push({ pointer, code: "dimension", message: allowedDimensions });
      return [];
    });
    if (read.filter(({ dimension }) => "time" in dimension).length > 1) {
      const message = "one time dimension at most";
      findings.push({ pointer: at.pointer, code: "time", message });
    }
    return read;
  },
};

/** The parts of a query. */
export const queryBody = {
  metrics,
  dimensions,
  filters: filter,
  range,
  timezone,
  orderBy: later({
    type: "array",
    items: {
      anyOf: [
        { type: "string" },
        { type: "array", prefixItems: [{ type: "string" }, { enum: ["asc", "desc"] }] },
      ],
    },
    description:
      "Columns of the answer, each with its direction; without it time, else the first metric, the largest first",
    examples: [[["count", "desc"]]],
  }),
  limit: described(
    whole({ min: 1, max: maxRows }),
    `The most rows: ${usualRows} where it is absent, ${maxRows} of a series alone`,
  ),
  include: include(),
  compare: described(
    choice(["previous_period"]),
    "Also the same of the period before, which is as long; takes a range with from and to",
  ),
  fill: described(
    flag(),
    "Whether periods without events have rows; true where time is a dimension",
  ),
  cursor: rowCursor,
};

/** @throws ServiceError VALIDATION naming each part that is wrong and what is allowed */
export function readQueryQuestion(body: unknown): QueryQuestion {
  return readBody(body, queryBody, (read, findings, raw) => {
    const { metrics, dimensions, filters, timezone } = read;
    const compare = read.compare !== undefined;
    if (compare) checkCompared(timezone, read.range, findings);
    const interval = intervalOf(dimensions);
    // Of columns that are wrong themselves an order says nothing.
    const hasColumns = !findings.some(({ pointer }) => /^\/(?:dimensions|metrics)/.test(pointer));
    const isSeries = interval !== undefined && dimensions.length === 1;
    const described = {
      metrics,
      dimensions,
      ...(filters !== undefined && { filter: filters }),
      timezone,
      ...(interval !== undefined && { interval }),
      orderBy: hasColumns ? orderOf(read.orderBy, dimensions, metrics, findings) : [],
      compare,
      fill: read.fill ?? interval !== undefined,
    };
    const scope = scopeOf([described, raw["range"]]);
    const own = { scope, range: read.range, interval };
    const page = readRowCursor(read.cursor, own, "/cursor", findings);
    return {
      ...described,
      range: page.range ?? read.range,
      limit: read.limit ?? (isSeries ? maxRows : usualRows),
      totals: read.include.includes("totals"),
      explain: read.include.includes("explain"),
      newestFirst: interval !== undefined && raw["orderBy"] === undefined,
      page,
    };
  });
}

/**
 * A comparison needs both ends of the range, which give its length, and a range before it in years
 * that events can have.
 */
function checkCompared(zone: string, { from, to }: OpenRange, findings: Findings): void {
  const refuse = (message: string) =>
    findings.push({ pointer: "/compare", code: "range", message });
  if (from === undefined || to === undefined) {
    refuse("a comparison needs a range with from and to");
  } else if (from < to && previousRange(zone, { from, to }).from < firstInstant) {
    refuse("a comparison needs a range before it that begins in the year 1 or later");
  }
}

function metricOf(name: string): Metric | undefined {
  const op = plain.find((known) => known === name);
  if (op !== undefined) return { op };
  const colon = name.indexOf(":");
  if (colon < 0) return undefined;
  const path = propertyOf(name.slice(colon + 1));
  if (path === undefined) return undefined;
  const numeric = ofNumbers.find((known) => known === name.slice(0, colon));
  if (numeric !== undefined) return { op: numeric, path };
  const q = quantiles.get(name.slice(0, colon));
  return q === undefined ? undefined : { op: "quantile", q, path };
}

function dimensionOf(name: string): NamedDimension | undefined {
  if (intervals.some((interval) => name === `time:${interval}`)) {
    return { name, dimension: { time: true } };
  }
  if (name === "type" || name === "correlationId") return { name, dimension: { path: [name] } };
  const canonical = resolveDimension(name) ?? name;
  if (canonical === "source") return { name: canonical, dimension: { path: [canonical] } };
  const path = propertyOf(canonical);
  return path && { name: canonical, dimension: { path } };
}

function propertyOf(name: string): PropertyPath | undefined {
  const path = readPath(name);
  const isProperty = path !== undefined && path.length > 1;
  return isProperty && ["data", "metadata", "context"].includes(path[0]) ? path : undefined;
}

function intervalOf(dimensions: readonly NamedDimension[]): Interval | undefined {
  const time = dimensions.find(({ dimension }) => "time" in dimension);
  return time && (time.name.slice("time:".length) as Interval);
}

/** Reads a list of different texts, in their order; `null` counts as absent. */
function names(
  [min, max]: readonly [number, number],
  otherwise: readonly string[],
): Field<readonly string[]> {
  const list = fieldOf<readonly string[]>({
    rule: { type: "array", min, max, unique: true, items: { type: "string" } },
    code: "names",
    message: () => `this must be an array of ${min} to ${max} different names`,
  });
  return {
    schema: { ...list.schema, default: otherwise },
    read: (value, at, findings) => list.read(value ?? otherwise, at, findings) ?? [],
  };
}

/**
 * Reads an order; the other parts of the question decide which columns there are. Without an order:
 * by time where there is a time dimension, else by the first metric, the largest first.
 */
function orderOf(
  value: unknown,
  dimensions: readonly NamedDimension[],
  metrics: readonly NamedMetric[],
  findings: Findings,
): readonly Order[] {
  const columns = [...dimensions, ...metrics].map(({ name }) => name);
  const time = dimensions.findIndex(({ dimension }) => "time" in dimension);
  if (value === undefined) {
    const byMetric = { column: dimensions.length, descending: true };
    return time < 0 ? [byMetric] : [{ column: time, descending: false }, byMetric];
  }
  const orders: readonly unknown[] = Array.isArray(value) ? value : [undefined];
  return orders.flatMap((order, i) => {
    const [name, direction = "asc"] = Array.isArray(order) ? (order as unknown[]) : [order];
    const column = columns.findIndex((known) => known === name);
    if (column >= 0 && (direction === "asc" || direction === "desc")) {
      return [{ column, descending: direction === "desc" }];
    }
    findings.push({
      pointer: Array.isArray(value) ? `/orderBy/${i}` : "/orderBy",
      code: "order",
      message: `an order is [column, "asc" | "desc"]; columns of this question are ${columns.join(", ")}`,
    });
    return [];
  });
}

/** Reads what the answer contains besides its rows. */
function include(): Field<readonly unknown[]> {
  const parts = ["totals", "explain"];
  return {
    schema: { type: "array", items: { enum: parts }, default: [] },
    read(value = [], { pointer }, findings) {
      const given: readonly unknown[] = Array.isArray(value) ? value : [""];
      for (const [i, part] of given.entries()) {
        if (parts.some((known) => known === part)) continue;
        const message = 'include is an array of "totals" and "explain"';
        findings.push({ pointer: `${pointer}/${i}`, code: "include", message });
      }
      return given;
    },
  };
}
