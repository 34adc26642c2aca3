import type { StoredEvent } from "../../event/event.ts";

/**
 * An answer that is made of some whole events, where they are read: its job and its result are
 * plain data. The order of the events must not matter.
 */
export interface Sample<Result> {
  add(event: StoredEvent): void;
  /** Called once, after the last event. */
  finish(): Result;
}

/** The kinds of a property's value, in the order in which answers list them. */
export const valueKinds = ["text", "number", "boolean", "null", "object", "list"] as const;
export type ValueKind = (typeof valueKinds)[number];

/** The kind of a value of JSON. */
export function valueKindOf(value: unknown): ValueKind {
  if (value === null) return "null";
  if (Array.isArray(value)) return "list";
  const type = typeof value;
  if (type === "string") return "text";
  return type === "number" || type === "boolean" ? type : "object";
}
