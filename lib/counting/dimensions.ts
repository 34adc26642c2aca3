import type { StoredEvent } from "../event/event.ts";
import { shownValue } from "../event/shown-value.ts";
import type { PropertyPath } from "../event/property-path.ts";
import { maxKeyLength, NONE, OTHER } from "./cells.ts";

/** The dimensions that are always rolled up, under their public names. */
export const builtInDimensions = [
  "source",
  "context.browser",
  "context.os",
  "context.device",
  "context.country",
  "context.bot",
  "context.machine",
  "context.utm.source",
  "context.utm.campaign",
  "context.referrer",
] as const;

/** Other accepted spellings. Answers use the public names. */
const aliases: ReadonlyMap<string, string> = new Map([
  ["utm.source", "context.utm.source"],
  ["utm.campaign", "context.utm.campaign"],
  ["referrer", "context.referrer"],
]);

/** What is rolled up: the built-in dimensions and the configured ones (`data.plan`), each once. */
export function rolledUp(configured: readonly string[]): readonly string[] {
  return [...new Set([...builtInDimensions, ...configured])];
}

const propertyPath = /^(data|metadata|context)(\.[A-Za-z0-9_-]{1,64}){1,8}$/;

/**
 * The public name of a dimension: `source` or a path into `data`, `metadata` or `context`.
 * `undefined` where the name cannot be one. `rolledUp` decides whether it is rolled up.
 */
export function resolveDimension(name: string): string | undefined {
  const canonical = aliases.get(name) ?? name;
  return canonical === "source" || propertyPath.test(canonical) ? canonical : undefined;
}

/** The path of a dimension's value in an event. */
export function pathOf(dimension: string): PropertyPath {
  return dimension.split(".") as unknown as PropertyPath;
}

/** The value of a dimension that an event counts under (`shownValue`). */
export function valueOf(event: StoredEvent, dimension: string): string {
  return valueReader(dimension)(event);
}

/**
 * Returns a reader of the value that an event counts under in a rollup; values that are too long
 * are `(other)`.
 */
export function keyReader(dimension: string): (event: StoredEvent) => string {
  const read = valueReader(dimension);
  return (event) => {
    const value = read(event);
    return value.length > maxKeyLength ? OTHER : value;
  };
}

/** Returns `valueOf` for one dimension, prepared for many events. */
export function valueReader(dimension: string): (event: StoredEvent) => string {
  const [root, ...path] = dimension.split(".") as [keyof StoredEvent, ...string[]];
  return (event) => {
    let at: unknown = event[root];
    for (const segment of path) {
      // Arrays are values here, not maps of indexes; only own keys are properties.
      if (typeof at !== "object" || at === null || Array.isArray(at)) return NONE;
      if (!Object.hasOwn(at, segment)) return NONE;
      at = (at as Readonly<Record<string, unknown>>)[segment];
    }
    return shownValue(at);
  };
}
