import { matches } from "../event/condition.ts";
import type { EntityKey, EntityQuery } from "./entity-query.ts";
import { anyOf, conditionClause, sortClause, type Clause } from "./sqlite-condition.ts";
import type { Database, Row } from "./sqlite-database.ts";
import { eventColumns, fromRow, toColumn, type EventRow } from "./sqlite-rows.ts";
import { chunkOf } from "./sqlite-schema.ts";
import type { Condition } from "./store.ts";

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
  const { where, rest } = plan(query);
  const sorted = order.filter((clause) => clause !== undefined);
  const orderBy = sorted.length === 0 ? "" : `ORDER BY ${sorted.map(({ sql }) => sql).join(", ")}`;
  const sql = `SELECT ${eventColumns} FROM events WHERE ${where.sql} ${orderBy}`;
  const parameters = [...where.parameters, ...sorted.flatMap((clause) => clause.parameters)];
  if (rest.length === 0) {
    const rows = db.all(`${sql} LIMIT ? OFFSET ?`, ...parameters, limit, offset);
    return rows as readonly unknown[] as readonly EventRow[];
  }
  return Iterator.from(meeting(db.iterate(sql, ...parameters), rest))
    .drop(offset)
    .take(limit)
    .toArray();
}

export function countEntities(db: Database, query: EntityQuery): number {
  const { where, rest } = plan(query);
  if (rest.length === 0) {
    const sql = `SELECT count(*) FROM events WHERE ${where.sql}`;
    return db.get(sql, ...where.parameters)![0] as number;
  }
  const sql = `SELECT ${eventColumns} FROM events WHERE ${where.sql}`;
  return Iterator.from(meeting(db.iterate(sql, ...where.parameters), rest)).reduce(
    (count) => count + 1,
    0,
  );
}

function plan({ where, keys }: EntityQuery): { where: Clause; rest: readonly Condition[] } {
  const clauses: Clause[] = [{ sql: "1", parameters: [] }];
  const rest: Condition[] = [];
  if (keys !== undefined) clauses.push(keysClause(keys));
  for (const condition of where) {
    const clause = conditionClause(condition);
    if (clause === undefined) rest.push(condition);
    else clauses.push(clause);
    clauses.push(...chunkClauses(condition));
  }
  return {
    where: {
      sql: clauses.map(({ sql }) => sql).join(" AND "),
      parameters: clauses.flatMap(({ parameters }) => parameters),
    },
    rest,
  };
}

function keysClause(keys: readonly EntityKey[]): Clause {
  if (keys.length === 0) return { sql: "0", parameters: [] };
  return {
    sql: `(project, id) IN (VALUES ${keys.map(() => "(?, ?)").join(", ")})`,
    parameters: keys.flatMap(({ project, id }) => [project, id]),
  };
}

/** The indexes in chunks are found only by name; what they find is true of a condition on the column. */
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

function* meeting(rows: Iterable<Row>, rest: readonly Condition[]): Generator<EventRow> {
  for (const row of rows as Iterable<unknown> as Iterable<EventRow>) {
    const event = fromRow(row);
    if (rest.every((condition) => matches(event, condition))) yield row;
  }
}
