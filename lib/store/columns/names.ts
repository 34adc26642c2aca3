import type { Predicate } from "../../event/filter.ts";
import type { EventFilter } from "../../event/filter.ts";
import { each, hasElements, type PropertyPath } from "../../event/property-path.ts";
import type { Column } from "../../questions/fold.ts";

/** The name of the column of events' users (`userOf`), which are no property of an event. */
export const userColumn = "(user)";

/**
 * The name of the column of the users' hashes, in the order of the users' values. The hashes
 * suffice to count users without reading their names.
 */
export const userHashes = "(user hashes)";

/** The text fields that have columns, each under its own name. Instants have another encoding. */
export const textFields = ["project", "type", "source", "correlationId", userColumn] as const;
export const instantFields = ["timestamp", "receivedAt"] as const;

/** The name of a property's column. It differs from the names of all fields. */
export function columnName(path: PropertyPath): string {
  return JSON.stringify(path);
}

/** The name of the column of a path. The path must not lead to elements of lists. */
export function nameAt(path: PropertyPath): string {
  const [top, ...inner] = path;
  const isField = inner.length === 0 && isOneOf([...textFields, ...instantFields], top);
  return isField ? top : columnName(path);
}

/** The path of the list whose elements a path leads to, or the path itself. */
export function beforeElements(path: PropertyPath): PropertyPath {
  return hasElements(path) ? (path.slice(0, path.indexOf(each)) as [string, ...string[]]) : path;
}

/** The path that a fold's column reads. */
export function pathOf(column: Exclude<Column, { readonly meets: unknown }>): PropertyPath {
  if ("path" in column) return column.path;
  return [column.field === "user" ? userColumn : column.field];
}

export function isOneOf(names: readonly string[], name: string): boolean {
  return names.includes(name);
}

/**
 * The names of all columns that a question may read, for its filter and its fold.
 * @param known whether all events are of the filter's project, and whether all lie in its range
 */
export function columnsRead(
  filter: EventFilter,
  columns: readonly Column[],
  { isOfProject = false, isWithin = false } = {},
): readonly string[] {
  const { types, sources, correlationId, userId, where = [] } = filter;
  return [
    ...new Set([
      ...(isOfProject ? [] : ["project"]),
      ...(isWithin ? [] : ["timestamp"]),
      ...(types === undefined ? [] : ["type"]),
      ...(sources === undefined ? [] : ["source"]),
      ...(correlationId === undefined ? [] : ["correlationId"]),
      ...(userId === undefined ? [] : [userColumn]),
      ...where.flatMap(namesIn),
      ...columns.flatMap(namesFor),
    ]),
  ];
}

function namesFor(column: Column): readonly string[] {
  if ("meets" in column) return namesIn(column.meets);
  const name = nameAt(beforeElements(pathOf(column)));
  return "field" in column && column.mayBeHashed ? [name, userHashes] : [name];
}

function namesIn(predicate: Predicate): readonly string[] {
  switch (predicate.op) {
    case "and":
    case "or":
      return predicate.of.flatMap(namesIn);
    case "not":
      return namesIn(predicate.of);
    default:
      return [nameAt(beforeElements(predicate.path))];
  }
}
