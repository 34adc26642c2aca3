import { userOf, type EventId, type Json, type ProjectId, type StoredEvent } from "./event.ts";
import { each, hasElements, type PropertyPath } from "./property-path.ts";
import { shownValue } from "./shown-value.ts";

/** A condition, or several joined: an empty `and` is always met, an empty `or` never. */
export type Predicate =
  | Condition
  | { readonly op: "and"; readonly of: readonly Predicate[] }
  | { readonly op: "or"; readonly of: readonly Predicate[] }
  | { readonly op: "not"; readonly of: Predicate };

/**
 * A comparison of one property. `is` and `is_not` take several values (any of them, none of them);
 * a missing property meets `is_not` and fails every other operator but `exists` false. `gt gte lt
 * lte` compare numbers with numbers and strings with strings (by code unit), nothing else.
 * `contains` and `starts_with` compare strings and mind the case. `shown_as` takes the texts under
 * which values are shown (`shownValue`): `10` for 10 and "10", `(none)` for a missing property,
 * null, an object or an array.
 * A path to the elements of a list meets a condition where one element does. `is_not` and `exists`
 * false are the opposites of `is` and `exists` true: no element may meet those. A value that is no
 * list has no elements, and is shown as `(none)`.
 */
export type Condition =
  | {
      readonly path: PropertyPath;
      readonly op: "is" | "is_not";
      readonly values: readonly Scalar[];
    }
  | {
      readonly path: PropertyPath;
      readonly op: "shown_as";
      readonly values: readonly string[];
    }
  | { readonly path: PropertyPath; readonly op: "contains" | "starts_with"; readonly value: string }
  | {
      readonly path: PropertyPath;
      readonly op: "gt" | "gte" | "lt" | "lte";
      readonly value: number | string;
    }
  | { readonly path: PropertyPath; readonly op: "exists"; readonly value: boolean };

export type Scalar = Extract<Json, string | number | boolean | null>;

/**
 * Whether an event meets a condition, exactly as `Condition` says: the reference for every store's
 * own translation, and the filter of streams. An absent part of the event counts as missing. Only
 * own properties of objects are walked: an array, a text or a prototype has none. Types are never
 * coerced. Never throws.
 */
export function matches(event: Partial<StoredEvent>, condition: Condition): boolean {
  const { path } = condition;
  return hasElements(path)
    ? matchesSome(elementsAt(event, path), condition)
    : matchesValue(propertyAt(event, path), condition);
}

/** Whether the elements at a condition's path meet it. */
function matchesSome(elements: readonly unknown[], condition: Condition): boolean {
  // A list without elements counts as a missing value.
  if (elements.length === 0) return matchesValue(undefined, condition);
  const isSaidOfAll = condition.op === "is_not" || (condition.op === "exists" && !condition.value);
  const meets = (element: unknown) => matchesValue(element, condition);
  return isSaidOfAll ? elements.every(meets) : elements.some(meets);
}

/** Whether the value at a condition's path meets the condition. A missing value is `undefined`. */
export function matchesValue(value: unknown, condition: Condition): boolean {
  switch (condition.op) {
    case "is":
      return isOneOf(condition.values, value);
    case "is_not":
      return !isOneOf(condition.values, value);
    case "shown_as":
      return condition.values.includes(shownValue(value));
    case "contains":
      return typeof value === "string" && value.includes(condition.value);
    case "starts_with":
      return typeof value === "string" && value.startsWith(condition.value);
    case "gt":
      return isOrdered(value, condition.value) && value > condition.value;
    case "gte":
      return isOrdered(value, condition.value) && value >= condition.value;
    case "lt":
      return isOrdered(value, condition.value) && value < condition.value;
    case "lte":
      return isOrdered(value, condition.value) && value <= condition.value;
    case "exists":
      return (value !== undefined) === condition.value;
  }
}

/** From this many values on, a set is made once and looked up. */
const manyValues = 16;
const sets = new WeakMap<readonly Scalar[], ReadonlySet<unknown>>();

function isOneOf(values: readonly Scalar[], value: unknown): boolean {
  if (values.length < manyValues) return values.some((wanted) => wanted === value);
  let set = sets.get(values);
  if (set === undefined) sets.set(values, (set = new Set<unknown>(values)));
  return set.has(value);
}

/**
 * The value at a path; `undefined` where it is missing. A path to elements gives a list of them,
 * where there are any.
 */
export function propertyAt(event: object, path: PropertyPath): unknown {
  if (hasElements(path)) {
    const elements = elementsAt(event, path);
    return elements.length === 0 ? undefined : elements;
  }
  let value: unknown = event;
  for (const segment of path) value = memberAt(value, segment!);
  return value;
}

/** The values that a path to the elements of lists leads to, in the order of the lists. */
export function elementsAt(event: object, path: PropertyPath): readonly unknown[] {
  let values: readonly unknown[] = [event];
  for (const segment of path) {
    values =
      segment === each
        ? values.flatMap((value) => (Array.isArray(value) ? (value as unknown[]) : []))
        : values.map((value) => memberAt(value, segment)).filter((value) => value !== undefined);
  }
  return values;
}

function memberAt(value: unknown, key: string): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return Object.hasOwn(value, key) ? (value as Readonly<Record<string, unknown>>)[key] : undefined;
}

/** Numbers are ordered among numbers, texts among texts. */
function isOrdered<T extends number | string>(value: unknown, wanted: T): value is T {
  return typeof value === typeof wanted;
}

/**
 * Whether an event meets a predicate: the reference for every store's own translation. Never
 * throws.
 */
export function meets(event: Partial<StoredEvent>, predicate: Predicate): boolean {
  switch (predicate.op) {
    case "and":
      return predicate.of.every((part) => meets(event, part));
    case "or":
      return predicate.of.some((part) => meets(event, part));
    case "not":
      return !meets(event, predicate.of);
    default:
      return matches(event, predicate);
  }
}

/** The properties that a predicate names, in its order; one may occur several times. */
export function pathsIn(predicate: Predicate): readonly PropertyPath[] {
  if (predicate.op === "and" || predicate.op === "or") return predicate.of.flatMap(pathsIn);
  return predicate.op === "not" ? pathsIn(predicate.of) : [predicate.path];
}

/**
 * The time that a question is about; an open end reaches as far as there are events. Epoch
 * milliseconds, half open.
 */
export interface OpenRange {
  readonly from?: number;
  readonly to?: number;
}

/** Half open, epoch milliseconds. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/**
 * All given conditions must hold. Paths are validated before they get here: `data.plan`,
 * `context.utm.source`.
 */
export interface EventFilter {
  readonly project: ProjectId;
  readonly types?: readonly string[];
  readonly sources?: readonly string[];
  readonly correlationId?: string;
  readonly userId?: string;
  readonly from?: number;
  readonly to?: number;
  readonly where?: readonly Predicate[];
}

export interface EventQuery extends EventFilter {
  readonly order: "asc" | "desc";
  readonly limit: number;
  /** Selects only events after this position in the order of the query. */
  readonly after?: { readonly timestamp: number; readonly id: EventId };
}

/** Whether an event of the filter's project meets the filter. */
export function meetsFilter(event: StoredEvent, filter: Omit<EventFilter, "project">): boolean {
  const { types, sources, correlationId, userId, from = -Infinity, to = Infinity, where } = filter;
  return (
    (types?.includes(event.type) ?? true) &&
    (sources?.includes(event.source) ?? true) &&
    (correlationId === undefined || event.correlationId === correlationId) &&
    (userId === undefined || userOf(event) === userId) &&
    event.timestamp >= from &&
    event.timestamp < to &&
    (where ?? []).every((predicate) => meets(event, predicate))
  );
}
