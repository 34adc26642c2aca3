import { propertyAt } from "../event/condition.ts";
import type { StoredEvent } from "../event/event.ts";
import { meets } from "../event/predicate.ts";
import { userOf } from "./delta.ts";
import type { Cell, Column } from "./fold.ts";

/** Reads a fold's columns from whole events. */
export function rowReader(columns: readonly Column[]): (event: StoredEvent) => readonly Cell[] {
  const readers = columns.map(readerOf);
  return (event) => readers.map((read) => read(event));
}

function readerOf(column: Column): (event: StoredEvent) => Cell {
  if ("meets" in column) return (event) => Number(meets(event, column.meets));
  if ("path" in column) return (event) => scalar(propertyAt(event, column.path));
  const { field } = column;
  return field === "user" ? userOf : (event) => event[field];
}

function scalar(value: unknown): Cell {
  return typeof value === "object" ? null : (value as Cell);
}
