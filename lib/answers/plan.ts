import { pathsIn, type Predicate, type Scalar, type EventFilter } from "../event/filter.ts";
import { nameOf } from "../event/property-path.ts";
import type { BreakdownJob } from "../questions/query/breakdown.ts";
import type { Period } from "../counting/calendar.ts";
import {
  isCut,
  maxKeyLength,
  OTHER,
  type TypeCounts,
  type UserSketches,
  type ValueCounts,
} from "../counting/cells.ts";
import type { QueryQuestion } from "../questions/query/question.ts";

/** How a question is answered: from rollups or from events. */
export type Plan = RollupPlan | EventsPlan;

/** Answers from rollups; each section is read once. */
export interface RollupPlan {
  readonly source: "rollup";
  /** `types`, or the one dimension that the question groups or filters by. */
  readonly section: string;
  /** Whether distinct users are counted too. */
  readonly users: boolean;
  /** The condition on an event's type and value; it names no other property. */
  readonly filter?: Predicate;
}

/** Answers from the events themselves. */
export interface EventsPlan {
  readonly source: "events";
  readonly filter: Pick<EventFilter, "types" | "where">;
  readonly job: BreakdownJob;
}

/** The most groups an answer may have before it is ordered and cut. */
export const maxGroups = 100_000;

/** Enrichment writes these as booleans; rollups hold them as texts. */
export const booleans: readonly string[] = ["context.bot", "context.machine"];

/**
 * Chooses how to answer a question. Rollups can answer counts by type, time and one rolled-up
 * dimension, with filters on these alone, and distinct users by type and time. Everything else
 * needs the events.
 * @param rolledUp the dimensions that rollups have
 * @param periods the periods of the question's time dimension
 */
export function planOf(
  question: QueryQuestion,
  rolledUp: readonly string[],
  periods?: readonly Period[],
): Plan {
  return rollupPlanOf(question, rolledUp) ?? eventsPlanOf(question, periods);
}

/** The plan that reads events, which can answer every question. */
export function eventsPlanOf(question: QueryQuestion, periods?: readonly Period[]): EventsPlan {
  const { metrics, dimensions, filter, totals, interval, compare, orderBy, limit, page } = question;
  const types = filter && typesOf(filter);
  return {
    source: "events",
    filter: { ...(types && { types }), ...(filter && { where: [filter] }) },
    job: {
      kind: "breakdown",
      metrics: metrics.map(({ metric }) => metric),
      dimensions: dimensions.map(({ dimension }) => dimension),
      ...(periods !== undefined && { periods: periods.map(({ start, end }) => ({ start, end })) }),
      totals,
      maxGroups,
      // The rows of a series, and those of two ranges, are found among all groups.
      ...(interval === undefined && !compare && { top: { orderBy, groups: page.offset + limit } }),
    },
  };
}

/** The plan that reads rollups; `undefined` where they do not suffice. */
export function rollupPlanOf(
  { metrics, dimensions, filter }: QueryQuestion,
  rolledUp: readonly string[],
): RollupPlan | undefined {
  if (metrics.some(({ metric }) => metric.op !== "count" && metric.op !== "uniques"))
    return undefined;
  const paths = dimensions.flatMap(({ dimension }) =>
    "path" in dimension ? [dimension.path] : [],
  );
  const sections = new Set([...paths, ...(filter ? pathsIn(filter) : [])].map(nameOf));
  sections.delete("type");
  if (sections.size > 1) return undefined;
  const [section = "types"] = sections;
  const users = metrics.some(({ metric }) => metric.op === "uniques");
  if (section !== "types" && (users || !rolledUp.includes(section))) return undefined;
  if (filter !== undefined && !isDecided(filter, section)) return undefined;
  return { source: "rollup", section, users, ...(filter && { filter }) };
}

/** Whether a question needs what a row sums under `(other)`. */
export function needsOther(
  { dimensions, filter }: Pick<QueryQuestion, "dimensions" | "filter">,
  section: string,
): (cells: TypeCounts | UserSketches | ValueCounts) => boolean {
  const paths = dimensions.flatMap(({ dimension }) =>
    "path" in dimension ? [dimension.path] : [],
  );
  const asksType = [...paths, ...(filter ? pathsIn(filter) : [])].some(
    (path) => nameOf(path) === "type",
  );
  const types = filter && typesOf(filter);
  return (cells) =>
    (asksType && Object.hasOwn(cells, OTHER)) ||
    (section !== "types" && section !== "users" && isCut(cells as ValueCounts, types));
}

/**
 * The types that an event must have to meet a predicate; `undefined` where any type may meet it.
 * Serves an index and an estimate: the predicate still has to be checked.
 */
export function typesOf(predicate: Predicate): readonly string[] | undefined {
  switch (predicate.op) {
    case "and": {
      const parts = predicate.of.flatMap((part) => {
        const types = typesOf(part);
        return types === undefined ? [] : [types];
      });
      if (parts.length === 0) return undefined;
      return parts.reduce((met, types) => met.filter((type) => types.includes(type)));
    }
    case "or": {
      const parts = predicate.of.map(typesOf);
      if (parts.includes(undefined)) return undefined;
      return [...new Set((parts as readonly (readonly string[])[]).flat())];
    }
    case "is":
    case "shown_as":
      return nameOf(predicate.path) === "type"
        ? (predicate.values as readonly Scalar[]).filter((value) => typeof value === "string")
        : undefined;
    default:
      return undefined;
  }
}

/**
 * Whether a rollup's values decide if events meet a predicate: they do for types, and for whole,
 * uncut texts that enrichment or the sender wrote.
 */
function isDecided(predicate: Predicate, section: string): boolean {
  switch (predicate.op) {
    case "and":
    case "or":
      return predicate.of.every((part) => isDecided(part, section));
    case "not":
      return isDecided(predicate.of, section);
    case "is":
    case "is_not":
      if (nameOf(predicate.path) === "type") return true;
      return (
        (section === "source" || section.startsWith("context.")) &&
        predicate.values.every((value) => standsUncut(value, section))
      );
    case "shown_as":
      return nameOf(predicate.path) === "type" || predicate.values.every(standsShown);
    default:
      return nameOf(predicate.path) === "type";
  }
}

/** A rollup counts under the shown value, unless that is too long. */
function standsShown(value: string): boolean {
  return value.length <= maxKeyLength && value !== OTHER && !value.startsWith("\\");
}

/** Rollups use `(none)` and `(other)` for themselves, and replace lone surrogates. */
function standsUncut(value: unknown, section: string): boolean {
  if (booleans.includes(section)) return typeof value === "boolean";
  return (
    typeof value === "string" &&
    value.length <= maxKeyLength &&
    value.isWellFormed() &&
    !/^\(none\)$|^\(other\)$|\ufffd/.test(value)
  );
}
