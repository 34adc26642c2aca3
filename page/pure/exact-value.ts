import { isPlain, marked, spelledBy } from "./filter-value.ts";

/** Writes a value of an event as a filter's, which means this value alone. */
export function exactValue(value: string | number | boolean): string {
  const isAlone = typeof value === "string" && isPlain(value) && spelledBy(value).length === 1;
  return isAlone ? value : marked(value);
}
