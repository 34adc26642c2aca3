import { ServiceError } from "../../errors.ts";
import { instantOf, isOfInstants } from "../../questions/reading/filter-body.ts";
import { hasElements, nameOf, readPath, type PropertyPath } from "../../event/property-path.ts";
import type { Condition, Scalar } from "../../event/filter.ts";
import type { EntityKey, EntityQuery, SortKey } from "../entity-reads.ts";

/** moleculer-db's filters, as they come in. */
export interface EntityFilters {
  readonly query?: unknown;
  readonly sort?: unknown;
  readonly limit?: unknown;
  readonly offset?: unknown;
  readonly search?: unknown;
}

/** More than this many entities are found only where the filters set a limit. */
export const maxUnlimited = 10_000;

const properties = ["data", "metadata", "context"];
const columns = [
  "id",
  "type",
  "source",
  "correlationId",
  "timestamp",
  "receivedAt",
  "project",
  "batch",
  "hash",
];

/**
 * Reads the filters of `find`, `list` and `count`. A query is an object from columns and dotted
 * paths (`type`, `data.plan`) to a scalar or to operators: `$eq $ne $in $nin $gt $gte $lt $lte
 * $exists`. Types are never coerced, and `null` finds null, not missing properties.
 * @throws ServiceError VALIDATION for anything else: an unknown operator never widens an answer
 */
export function readEntityFilters(filters: EntityFilters): EntityQuery {
  const { search, limit, offset } = filters;
  if (search !== undefined && search !== null && search !== "") {
    throw invalid("search", "full text search is not supported; use query");
  }
  return {
    ...readQuery(filters.query ?? {}),
    sort: readSort(filters.sort),
    offset: typeof offset === "number" && offset > 0 ? offset : 0,
    // One more than the limit, so that too many are noticed.
    limit: typeof limit === "number" && limit > 0 ? limit : maxUnlimited + 1,
  };
}

/** Reads `project:id`; a project has no colon. `undefined` where the text is no key. */
export function readKey(id: unknown): EntityKey | undefined {
  const [, project, event] = (typeof id === "string" && /^([^:]+):(.+)$/s.exec(id)) || [];
  return project === undefined || event === undefined ? undefined : { project, id: event };
}

function readQuery(query: unknown): Pick<EntityQuery, "where" | "keys"> {
  if (!isRecord(query)) throw invalid("query", "the query must be an object");
  const where: Condition[] = [];
  let keys: readonly EntityKey[] | undefined;
  for (const [name, wanted] of Object.entries(query)) {
    if (name === "_id") {
      keys = readKeys(wanted);
      continue;
    }
    const path = readProperty(name);
    const operators = isRecord(wanted) ? Object.entries(wanted) : [["$eq", wanted] as const];
    if (operators.length === 0) throw invalid(name, "objects cannot be compared");
    for (const [operator, value] of operators) where.push(readCondition(path, operator, value));
  }
  return { where, ...(keys && { keys }) };
}

function readKeys(wanted: unknown): readonly EntityKey[] {
  const [operator, ids] =
    isRecord(wanted) && Object.keys(wanted).length === 1
      ? Object.entries(wanted)[0]!
      : (["$eq", wanted] as const);
  if (operator === "$in" && Array.isArray(ids)) return ids.flatMap((id) => readKey(id) ?? []);
  if (operator !== "$eq" || typeof ids !== "string") {
    throw invalid("_id", "_id can be compared with an id or with $in");
  }
  return [readKey(ids) ?? []].flat();
}

function readProperty(name: string): PropertyPath {
  const path = readPath(name);
  const known = path?.length === 1 ? columns.includes(name) : properties.includes(path?.[0] ?? "");
  if (path !== undefined && (known || properties.includes(name))) return path;
  throw invalid(name, `${name} is neither a column nor a path into ${properties.join(", ")}`);
}

function readCondition(path: PropertyPath, operator: string, wanted: unknown): Condition {
  const value = isOfInstants(path) && operator !== "$exists" ? readInstants(path, wanted) : wanted;
  switch (operator) {
    case "$eq":
    case "$ne":
      return { path, op: operator === "$eq" ? "is" : "is_not", values: [readScalar(path, value)] };
    case "$in":
    case "$nin":
      if (!Array.isArray(value)) throw invalid(nameOf(path), `${operator} takes a list`);
      return {
        path,
        op: operator === "$in" ? "is" : "is_not",
        values: value.map((item) => readScalar(path, item)),
      };
    case "$gt":
    case "$gte":
    case "$lt":
    case "$lte": {
      const op = operator.slice(1) as "gt" | "gte" | "lt" | "lte";
      if (typeof value === "number" || typeof value === "string") return { path, op, value };
      throw invalid(nameOf(path), `${operator} takes a number or a text`);
    }
    case "$exists":
      if (typeof value === "boolean") return { path, op: "exists", value };
      throw invalid(nameOf(path), "$exists takes true or false");
    default:
      throw invalid(nameOf(path), `the operator ${operator} is not supported`);
  }
}

/** Reads operands for instants: RFC 3339 becomes epoch milliseconds. */
function readInstants(path: PropertyPath, wanted: unknown): unknown {
  if (Array.isArray(wanted)) return wanted.map((one) => readInstants(path, one));
  const instant = instantOf(wanted);
  if (instant !== undefined) return instant;
  throw invalid(nameOf(path), "an instant is RFC 3339, or epoch milliseconds");
}

function readScalar(path: PropertyPath, value: unknown): Scalar {
  if (value === null || ["string", "number", "boolean"].includes(typeof value)) {
    return value as Scalar;
  }
  throw invalid(nameOf(path), "only texts, numbers, booleans and null can be compared");
}

function readSort(sort: unknown): readonly SortKey[] {
  const names: unknown[] = typeof sort === "string" ? sort.split(/[,\s]+/) : asList(sort);
  return names
    .filter((name) => name !== "")
    .map((name) => {
      if (typeof name !== "string") throw invalid("sort", "sort takes names of fields");
      const descending = name.startsWith("-");
      const path = readProperty(descending ? name.slice(1) : name);
      if (hasElements(path)) throw invalid("sort", "a list's elements have no order among events");
      return { path, descending };
    });
}

function asList(value: unknown): unknown[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function invalid(pointer: string, message: string): ServiceError {
  return new ServiceError("VALIDATION", message, {
    errors: [{ pointer, code: "query", message }],
  });
}
