import type { PropertyPath } from "../store/store.ts";

/** What one condition may say of a property, in the order in which they are told to a caller. */
export const operators = [
  "is",
  "is_not",
  "contains",
  "starts_with",
  "gt",
  "gte",
  "lt",
  "lte",
  "exists",
] as const;
export type Operator = (typeof operators)[number];

const maxSegments = 16;
const maxNameLength = 256;

/** `data.a.b` as a path. `undefined` where a segment is empty or the name too long. */
export function readPath(name: string): PropertyPath | undefined {
  const segments = name.split(".");
  const fits =
    name.length <= maxNameLength && segments.length <= maxSegments && name.isWellFormed();
  return fits && segments.every((segment) => segment !== "")
    ? (segments as [string, ...string[]])
    : undefined;
}
