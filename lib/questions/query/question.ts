import { readPath } from "../../event/property-path.ts";
import type { Predicate } from "../../event/filter.ts";
import type { PropertyPath } from "../../event/property-path.ts";
import type { Dimension } from "./breakdown.ts";
import { intervals, type Interval } from "../../counting/calendar.ts";
import { resolveDimension } from "../../counting/dimensions.ts";
import type { Metric } from "./metric.ts";
import { readPredicate } from "../reading/filter-body.ts";
import { readBody, readFlag, readRange, readZone, within } from "../reading/body.ts";
import { type OpenRange } from "../../event/filter.ts";
import { readRowCursor, scopeOf, type RowPage } from "../reading/row-cursor.ts";
import { readChoice, readInteger, type Findings } from "../reading/parameters.ts";

/** What `POST /api/v1/query` asks, checked. */
export interface QueryQuestion {
  readonly metrics: readonly NamedMetric[];
  readonly dimensions: readonly NamedDimension[];
  readonly filter?: Predicate;
  readonly range: OpenRange;
  readonly timezone: string;
  /** Of the dimension `time`, where there is one. */
  readonly interval?: Interval;
  readonly orderBy: readonly Order[];
  readonly limit: number;
  readonly totals: boolean;
  readonly explain: boolean;
  /** Whether the same is asked of the period before as well, which is as long. */
  readonly compare: boolean;
  /** Whether periods in which nothing happened have rows. */
  readonly fill: boolean;
  /** Whether of the periods the newest are shown where there are more rows than `limit`: nobody asked for another order. */
  readonly newestFirst: boolean;
  readonly page: RowPage;
}

export interface NamedMetric {
  readonly name: string;
  readonly metric: Metric;
}

export interface NamedDimension {
  /** As it was asked for, but for other spellings: `context.country`, `time:day`. */
  readonly name: string;
  readonly dimension: Dimension;
}

/** A column of the answer: dimensions first, then metrics. */
export interface Order {
  readonly column: number;
  readonly descending: boolean;
}

const known = [
  "metrics",
  "dimensions",
  "filters",
  "range",
  "timezone",
  "orderBy",
  "limit",
  "include",
  "compare",
  "fill",
  "cursor",
];
const maxMetrics = 10;
const maxDimensions = 4;
const limits = { min: 1, max: 10_000, otherwise: 1_000 };

/** A series alone has a row for each of its periods. */
const seriesLimits = { ...limits, otherwise: limits.max };

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

/** @throws ServiceError VALIDATION naming each part that is wrong and what is allowed */
export function readQueryQuestion(body: unknown): QueryQuestion {
  return readBody(body, known, (raw, findings) => {
    const metrics = readMetrics(raw["metrics"], findings);
    const dimensions = readDimensions(raw["dimensions"], findings);
    const filters = raw["filters"];
    const range = readRange(raw, findings);
    const compare = within("", findings, (inner) =>
      readChoice(raw, "compare", ["previous_period"], inner),
    );
    if (compare !== undefined && (range.from === undefined || range.to === undefined)) {
      const message = "a comparison needs a range with from and to";
      findings.push({ pointer: "/compare", code: "range", message });
    }
    const interval = intervalOf(dimensions);
    const isSeries = interval !== undefined && dimensions.length === 1;
    const asked = {
      metrics,
      dimensions,
      ...(filters !== undefined && { filter: readPredicate(filters, "/filters", findings) }),
      timezone: readZone(raw, findings),
      ...(interval !== undefined && { interval }),
      orderBy: readOrder(raw["orderBy"], dimensions, metrics, findings),
      compare: compare !== undefined,
      fill: readFlag(raw, "fill", interval !== undefined, findings),
    };
    const scope = scopeOf([asked, raw["range"]]);
    const page = readRowCursor(raw["cursor"], scope, "/cursor", findings);
    return {
      ...asked,
      range: page.range ?? range,
      limit: within("", findings, (inner) =>
        readInteger(raw, "limit", isSeries ? seriesLimits : limits, inner),
      ),
      ...readInclude(raw["include"], findings),
      newestFirst: interval !== undefined && raw["orderBy"] === undefined,
      page,
    };
  });
}

function readMetrics(value: unknown, findings: Findings): readonly NamedMetric[] {
  const names = readNames(value ?? ["count"], "/metrics", [1, maxMetrics], findings);
  return names.flatMap((name, i) => {
    const metric = metricOf(name);
    if (metric !== undefined) return [{ name, metric }];
    findings.push({ pointer: `/metrics/${i}`, code: "metric", message: allowedMetrics });
    return [];
  });
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

function readDimensions(value: unknown, findings: Findings): readonly NamedDimension[] {
  const names = readNames(value ?? [], "/dimensions", [0, maxDimensions], findings);
  const dimensions = names.flatMap((name, i) => {
    const dimension = dimensionOf(name);
    if (dimension !== undefined) return [dimension];
    findings.push({ pointer: `/dimensions/${i}`, code: "dimension", message: allowedDimensions });
    return [];
  });
  if (dimensions.filter(({ dimension }) => "time" in dimension).length > 1) {
    findings.push({ pointer: "/dimensions", code: "time", message: "one time dimension at most" });
  }
  return dimensions;
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

/** Different texts, in their order. */
function readNames(
  value: unknown,
  pointer: string,
  [min, max]: readonly [number, number],
  findings: Findings,
): readonly string[] {
  const names: readonly unknown[] = Array.isArray(value) ? value : [];
  const fits =
    Array.isArray(value) &&
    names.length >= min &&
    names.length <= max &&
    names.every((name) => typeof name === "string") &&
    new Set(names).size === names.length;
  if (fits) return names;
  const message = `this must be an array of ${min} to ${max} different names`;
  findings.push({ pointer, code: "names", message });
  return [];
}

/** Without an order: by time where there is a time dimension, else by the first metric, the largest first. */
function readOrder(
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

function readInclude(value: unknown, findings: Findings) {
  const parts: readonly unknown[] = Array.isArray(value) ? value : value === undefined ? [] : [""];
  for (const [i, part] of parts.entries()) {
    if (part === "totals" || part === "explain") continue;
    const message = 'include is an array of "totals" and "explain"';
    findings.push({ pointer: `/include/${i}`, code: "include", message });
  }
  return { totals: parts.includes("totals"), explain: parts.includes("explain") };
}
