import type { Condition, PropertyPath } from "./filter.ts";
import type { StoredEvent } from "./event.ts";
import { each, hasElements } from "./property-path.ts";
import { shownValue } from "./shown-value.ts";

/**
 * Whether an event meets a condition, exactly as `Condition` says: the reference for every store's
 * own translation, and the filter of streams. An absent part of the event counts as missing. Only own properties of objects are walked: an array,
 * a text or a prototype has none. Types are never coerced. Never throws.
 */
export function matches(event: Partial<StoredEvent>, condition: Condition): boolean {
  const { path } = condition;
  return hasElements(path)
    ? matchesSome(elementsAt(event, path), condition)
    : matchesValue(propertyAt(event, path), condition);
}

/** Whether the elements at a condition's path meet it. */
function matchesSome(elements: readonly unknown[], condition: Condition): boolean {
  // What is said of none of the elements is said of none of nothing.
  if (elements.length === 0) return matchesValue(undefined, condition);
  const isSaidOfAll = condition.op === "is_not" || (condition.op === "exists" && !condition.value);
  const meets = (element: unknown) => matchesValue(element, condition);
  return isSaidOfAll ? elements.every(meets) : elements.some(meets);
}

/** Whether the value at a condition's path meets it; `undefined` is what is missing. */
export function matchesValue(value: unknown, condition: Condition): boolean {
  switch (condition.op) {
    case "is":
      return condition.values.some((wanted) => wanted === value);
    case "is_not":
      return !condition.values.some((wanted) => wanted === value);
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

/** The value at a path; `undefined` where it is missing. Of a path to elements: a list of them, where there are any. */
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

/** Numbers have an order among themselves, and so have texts. */
function isOrdered<T extends number | string>(value: unknown, wanted: T): value is T {
  return typeof value === typeof wanted;
}
