import type { PropertyPath } from "../event/property-path.ts";

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
