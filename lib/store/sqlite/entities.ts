import type { EntityKey, EntityQuery } from "../entity-reads.ts";
import { anyOf, conditionClause, sortClause, type Clause } from "./conditions.ts";
import type { Database } from "./database.ts";
import { eventColumns, toColumn, type EventRow } from "../rows.ts";
import { chunkOf, placeholder } from "./schema.ts";
import type { Condition } from "../../event/filter.ts";

/** The stored events of some keys, in the order of the keys, each once. */
export function findKeys(db: Database, keys: readonly EntityKey[]): readonly EventRow[] {
  const found = new Map<string, EventRow>();
  for (const { project, id } of keys) {
    const row = db.get(
      `SELECT ${eventColumns} FROM events WHERE project = ? AND id = ?`,
      project,
      id,
    );
    if (row !== undefined) found.set(`${project}:${id}`, row as unknown as EventRow);
  }
  return [...found.values()];
}

/** Entities that meet a query, of any project. Without an order they come as SQLite finds them. */
export function findEntities(db: Database, query: EntityQuery): readonly EventRow[] {
  const { offset, limit } = query;
  const order = query.sort.map(({ path, descending }) => {
    const clause = sortClause(path);
    return clause && { ...clause, sql: `${clause.sql} ${descending ? "DESC" : "ASC"}` };
  });
  const sorted = order.filter((clause) => clause !== undefined);
  const orderBy = sorted.length === 0 ? "" : `ORDER BY ${sorted.map(({ sql }) => sql).join(", ")}`;
  const where = whereOf(query);
  return db.all(
    `SELECT ${eventColumns} FROM events WHERE ${where.sql} ${orderBy} LIMIT ? OFFSET ?`,
    ...where.parameters,
    ...sorted.flatMap((clause) => clause.parameters),
    limit,
    offset,
  ) as readonly unknown[] as readonly EventRow[];
}

export function countEntities(db: Database, query: EntityQuery): number {
  const { sql, parameters } = whereOf(query);
  return db.get(`SELECT count(*) FROM events WHERE ${sql}`, ...parameters)![0] as number;
}

function whereOf({ where, keys }: EntityQuery): Clause {
  const clauses = [
    // Rows that only keep a place are no events.
    { sql: `+project <> '${placeholder}'`, parameters: [] },
    ...(keys === undefined ? [] : [keysClause(keys)]),
    ...where.map(conditionClause),
    ...where.flatMap(chunkClauses),
  ];
  return {
    sql: clauses.map(({ sql }) => sql).join(" AND "),
    parameters: clauses.flatMap(({ parameters }) => parameters),
  };
}

function keysClause(keys: readonly EntityKey[]): Clause {
  if (keys.length === 0) return { sql: "0", parameters: [] };
  return {
    sql: `(project, id) IN (VALUES ${keys.map(() => "(?, ?)").join(", ")})`,
    parameters: keys.flatMap(({ project, id }) => [project, id]),
  };
}

/**
 * The indexes in chunks are found only by name; what they find is true of a condition on the
 * column.
 */
function chunkClauses({ path, ...condition }: Condition): Clause[] {
  if (condition.op !== "is") return [];
  const texts = condition.values.filter((value) => typeof value === "string" && value !== "");
  if (texts.length === 0 || texts.length < condition.values.length) return [];
  const [column, index] =
    path.length === 1 && path[0] === "correlationId"
      ? ["correlation_id", "events_by_correlation"]
      : path.length === 2 && path[0] === "metadata" && path[1] === "userId"
        ? ["user_id", "events_by_user"]
        : [];
  if (column === undefined) return [];
  const { sql, parameters } = anyOf(`found.${column}`, [], texts.map(String).map(toColumn));
  return [
    {
      sql: `seq IN (SELECT found.seq FROM chunks CROSS JOIN events AS found INDEXED BY ${index}
        ON ${chunkOf("found.seq")} = chunks.chunk AND found.project = chunks.project AND ${sql})`,
      parameters,
    },
  ];
}
