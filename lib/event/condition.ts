import type { Condition, PropertyPath } from "../store/store.ts";
import type { StoredEvent } from "./event.ts";

/**
 * Whether an event meets a condition, exactly as `Condition` says: the reference for every store's
 * own translation, and the filter of streams. An absent part of the event counts as missing. Only own properties of objects are walked: an array,
 * a text or a prototype has none. Types are never coerced. Never throws.
 */
export function matches(event: Partial<StoredEvent>, condition: Condition): boolean {
  return matchesValue(propertyAt(event, condition.path), condition);
}

/** Whether the value at a condition's path meets it; `undefined` is what is missing. */
export function matchesValue(value: unknown, condition: Condition): boolean {
  switch (condition.op) {
    case "is":
      return condition.values.some((wanted) => wanted === value);
    case "is_not":
      return !condition.values.some((wanted) => wanted === value);
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

/** The value at a path; `undefined` where it is missing. */
export function propertyAt(event: object, path: PropertyPath): unknown {
  let value: unknown = event;
  for (const segment of path) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
    if (!Object.hasOwn(value, segment)) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[segment];
  }
  return value;
}

/** Numbers have an order among themselves, and so have texts. */
function isOrdered<T extends number | string>(value: unknown, wanted: T): value is T {
  return typeof value === typeof wanted;
}
