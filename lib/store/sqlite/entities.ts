import type { EntityKey, EntityQuery } from "../entity-reads.ts";
import { conditionClause, predicateClause, sortClause, type Clause } from "./conditions.ts";
import type { Database } from "./database.ts";
import { toColumn, type EventRow } from "../rows.ts";
import { event } from "./events.ts";
import { keyForms, toldColumns } from "./narrow.ts";
import { placesOf, type Owner } from "./places.ts";
import { clauseOfPlaces } from "./scan.ts";
import { placeholder } from "./schema.ts";
import type { Condition } from "../../event/filter.ts";

/** The stored events of some keys, in the order of the keys, each once. */
export function findKeys(db: Database, keys: readonly EntityKey[]): readonly EventRow[] {
  const found = new Map<string, EventRow>();
  for (const { project, id } of keys) {
    const row = event(db, project, id);
    if (row !== undefined) found.set(`${project}:${id}`, row);
  }
  return [...found.values()];
}

/**
 * The entities that meet a query, of any project. Without an order they come as SQLite finds them.
 */
export function findEntities(db: Database, query: EntityQuery): readonly EventRow[] {
  const { offset, limit } = query;
  const order = query.sort.map(({ path, descending }) => {
    const clause = sortClause(path);
    return clause && { ...clause, sql: `${clause.sql} ${descending ? "DESC" : "ASC"}` };
  });
  const sorted = order.filter((clause) => clause !== undefined);
  const orderBy = sorted.length === 0 ? "" : `ORDER BY ${sorted.map(({ sql }) => sql).join(", ")}`;
  const where = whereOf(db, query);
  return db.all(
    `SELECT ${toldColumns} FROM events WHERE ${where.sql} ${orderBy} LIMIT ? OFFSET ?`,
    ...where.parameters,
    ...sorted.flatMap((clause) => clause.parameters),
    limit,
    offset,
  ) as readonly unknown[] as readonly EventRow[];
}

export function countEntities(db: Database, query: EntityQuery): number {
  const { sql, parameters } = whereOf(db, query);
  return db.get(`SELECT count(*) FROM events WHERE ${sql}`, ...parameters)![0] as number;
}

function whereOf(db: Database, { where, unless = [], keys }: EntityQuery): Clause {
  const clauses = [
    // Rows that only keep a place are no events.
    { sql: `+project <> '${placeholder}'`, parameters: [] },
    ...(keys === undefined ? [] : [keysClause(db, keys)]),
    ...where.map(conditionClause),
    ...unless.map((of) => predicateClause({ op: "not", of })),
    ...where.flatMap((condition) => ownerClauses(db, condition)),
  ];
  return {
    sql: clauses.map(({ sql }) => sql).join(" AND "),
    parameters: clauses.flatMap(({ parameters }) => parameters),
  };
}

function keysClause(db: Database, keys: readonly EntityKey[]): Clause {
  const forms = keys.flatMap(({ project, id }) => keyForms(db, project, id));
  if (forms.length === 0) return { sql: "0", parameters: [] };
  return {
    sql: `(project, id) IN (VALUES ${forms.map(() => "(?, ?)").join(", ")})`,
    parameters: forms.flat(),
  };
}

/**
 * Clauses that lead to a user's or a correlation's events; the condition on the column holds for
 * what they find.
 */
function ownerClauses(db: Database, { path, ...condition }: Condition): Clause[] {
  if (condition.op !== "is") return [];
  const texts = condition.values.filter((value) => typeof value === "string" && value !== "");
  if (texts.length === 0 || texts.length < condition.values.length) return [];
  const owner = ownerAt(path);
  if (owner === undefined) return [];
  const chunks = db.all("SELECT project, chunk FROM chunks") as readonly unknown[];
  const places = (chunks as readonly (readonly [string, number])[]).flatMap(([project, chunk]) =>
    texts.flatMap((text) => placesOf(db, project, chunk, owner, toColumn(String(text)))),
  );
  return [clauseOfPlaces("seq", places)];
}

function ownerAt(path: Condition["path"]): Owner | undefined {
  if (path.length === 1 && path[0] === "correlationId") return "correlation";
  return path.length === 2 && path[0] === "metadata" && path[1] === "userId" ? "user" : undefined;
}
