import type { StoredEvent } from "../event/event.ts";
import { shownValue } from "../event/shown-value.ts";
import { NONE } from "./cells.ts";

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

/** Other spellings that are understood. Answers use the public names. */
const aliases: ReadonlyMap<string, string> = new Map([
  ["utm.source", "context.utm.source"],
  ["utm.campaign", "context.utm.campaign"],
  ["referrer", "context.referrer"],
]);

/** A longer value counts under its first 256 code units. */
export const maxValueLength = 256;

/** What is rolled up: the built-in dimensions and the configured ones (`data.plan`), each once. */
export function rolledUp(configured: readonly string[]): readonly string[] {
  return [...new Set([...builtInDimensions, ...configured])];
}

const propertyPath = /^(data|metadata|context)(\.[A-Za-z0-9_-]{1,64}){1,8}$/;

/**
 * The public name of a dimension: `source` or a path into `data`, `metadata` or `context`.
 * `undefined` where the name can be none. Whether it is rolled up is another question (`rolledUp`).
 */
export function resolveDimension(name: string): string | undefined {
  const canonical = aliases.get(name) ?? name;
  return canonical === "source" || propertyPath.test(canonical) ? canonical : undefined;
}

/**
 * The value an event counts under. `(none)` where the property is missing, null, an object or an
 * array; numbers and booleans as text. A text is cut to `maxValueLength` without parting a surrogate
 * pair, and lone surrogates are replaced by U+FFFD: values are keys, and not every store keeps those.
 */
export function valueOf(event: StoredEvent, dimension: string): string {
  return readerOf(dimension)(event);
}

/** `valueOf` for one dimension, prepared for many events. */
export function readerOf(dimension: string): (event: StoredEvent) => string {
  const path = dimension.split(".");
  return (event) => {
    let at: unknown = event;
    for (const segment of path) {
      // Arrays are values here, not maps of indexes; only own keys are properties.
      if (typeof at !== "object" || at === null || Array.isArray(at)) return NONE;
      if (!Object.hasOwn(at, segment)) return NONE;
      at = (at as Readonly<Record<string, unknown>>)[segment];
    }
    return asValue(at);
  };
}

/** The value that a property counts under. */
export function asValue(property: unknown): string {
  if (typeof property === "string") return asKey(shownValue(property));
  if (typeof property === "number" || typeof property === "boolean") return String(property);
  return NONE;
}

function asKey(text: string): string {
  if (text.length <= maxValueLength) return text.toWellFormed();
  const parted = isHighSurrogate(text, maxValueLength - 1) && isLowSurrogate(text, maxValueLength);
  return text.slice(0, parted ? maxValueLength - 1 : maxValueLength).toWellFormed();
}

function isHighSurrogate(text: string, index: number): boolean {
  return (text.charCodeAt(index) & 0xfc00) === 0xd800;
}

function isLowSurrogate(text: string, index: number): boolean {
  return (text.charCodeAt(index) & 0xfc00) === 0xdc00;
}
