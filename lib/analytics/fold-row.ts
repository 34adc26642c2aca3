import { elementsAt, propertyAt } from "../event/condition.ts";
import type { StoredEvent } from "../event/event.ts";
import { meets } from "../event/predicate.ts";
import { hasElements } from "../event/property-path.ts";
import { userOf } from "./delta.ts";
import type { Cell, Column } from "./fold.ts";

/** What of an event its columns are read from. */
type Part = Partial<StoredEvent>;

/**
 * Reads a fold's columns from whole events, or from as much of them as the columns ask for.
 * @param user what `user` is, where that part does not tell
 */
export function rowReader<Event extends Part>(
  columns: readonly Column[],
  user: (event: Event) => Cell = userOf,
): (event: Event) => readonly Cell[] {
  const readers = columns.map((column) => readerOf(column, user));
  return (event) => readers.map((read) => read(event));
}

function readerOf<Event extends Part>(
  column: Column,
  user: (event: Event) => Cell,
): (event: Event) => Cell {
  if ("meets" in column) return (event) => Number(meets(event, column.meets));
  if ("path" in column) {
    const { path } = column;
    return hasElements(path)
      ? (event) => elementsAt(event, path).map(scalar)
      : (event) => scalar(propertyAt(event, path));
  }
  const { field } = column;
  return field === "user" ? user : (event) => event[field];
}

function scalar(value: unknown): string | number | boolean | null | undefined {
  return typeof value === "object" ? null : (value as string | number | boolean | undefined);
}
