import type { Condition, EventFilter, EventQuery } from "./store.ts";
import { anyOf, conditionClause, type Clause } from "./sqlite-condition.ts";
import type { Database, Value } from "./sqlite-database.ts";
import { toColumn } from "./sqlite-rows.ts";
import { chunkOf } from "./sqlite-schema.ts";

/**
 * A walk along one index in the order of events. Some filters take several: one for each type, one
 * for each chunk of a user's or a correlation's events. No event is in two of them.
 */
export interface Scan {
  /** From FROM to the end of WHERE. */
  readonly sql: string;
  readonly parameters: readonly Value[];
  /** Conditions that SQL cannot tell, for `matches`. */
  readonly rest: readonly Condition[];
  /** All its events lie between these instants, both included. */
  readonly oldest: number;
  readonly newest: number;
}

/** A filter, or a page of it. */
type Asked = EventFilter & Partial<Pick<EventQuery, "order" | "after">>;

/** The scans that find what is asked for; those that can begin first, in the order asked for, come first. */
export function scansOf(db: Database, asked: Asked): readonly Scan[] {
  const { types, correlationId, userId } = asked;
  if (correlationId !== undefined) {
    const key = equal("correlation_id", toColumn(correlationId));
    const others = [...typeClauses(types), ...userClauses(userId)];
    return chunkScans(db, asked, "events_by_correlation", key, others);
  }
  if (userId !== undefined) {
    const key = equal("user_id", toColumn(userId));
    return chunkScans(db, asked, "events_by_user", key, typeClauses(types));
  }
  if (types !== undefined) {
    return [...new Set(types)].map((type) => scan(asked, "events_by_type", [equal("type", type)]));
  }
  return [scan(asked, "events_by_time", [])];
}

function chunkScans(
  db: Database,
  asked: Asked,
  index: string,
  key: Clause,
  others: readonly Clause[],
): readonly Scan[] {
  const { from = -Infinity, to = Infinity, order, after } = asked;
  const rows = db.all(
    `SELECT chunk, oldest, newest FROM chunks
      WHERE project = ? AND newest >= ? AND oldest < ? AND newest >= ? AND oldest <= ?`,
    asked.project,
    from,
    to,
    order === "asc" && after ? after.timestamp : -Infinity,
    order === "desc" && after ? after.timestamp : Infinity,
  ) as readonly unknown[] as readonly (readonly [number, number, number])[];
  return rows
    .map(([chunk, oldest, newest]) => {
      const inChunk = { sql: `${chunkOf()} = ?`, parameters: [chunk] };
      return { ...scan(asked, index, [inChunk, key, ...others]), oldest, newest };
    })
    .sort((a, b) => (order === "asc" ? a.oldest - b.oldest : b.newest - a.newest));
}

function scan(asked: Asked, index: string, clauses: readonly Clause[]): Scan {
  const rest: Condition[] = [];
  const where = [equal("project", asked.project), ...clauses, ...boundClauses(asked)];
  if (asked.sources !== undefined) where.push(anyOf("source", [], asked.sources.map(toColumn)));
  for (const condition of asked.where ?? []) {
    const clause = conditionClause(condition);
    if (clause === undefined) rest.push(condition);
    else where.push(clause);
  }
  return {
    sql: `FROM events INDEXED BY ${index} WHERE ${where.map(({ sql }) => sql).join(" AND ")}`,
    parameters: where.flatMap(({ parameters }) => parameters),
    rest,
    oldest: -Infinity,
    newest: Infinity,
  };
}

/** One bound at each end: of two SQLite would seek by one and step over what the other excludes. */
function boundClauses({ from = -Infinity, to = Infinity, order, after }: Asked): Clause[] {
  const past = (sign: "<" | ">", { timestamp, id }: NonNullable<Asked["after"]>) => ({
    sql: `(timestamp, id) ${sign} (?, ?)`,
    parameters: [timestamp, id],
  });
  const bounds: Clause[] = [];
  if (order === "asc" && after && after.timestamp >= from) bounds.push(past(">", after));
  else if (from > -Infinity) bounds.push({ sql: "timestamp >= ?", parameters: [from] });
  if (order === "desc" && after && after.timestamp < to) bounds.push(past("<", after));
  else if (to < Infinity) bounds.push({ sql: "timestamp < ?", parameters: [to] });
  return bounds;
}

function typeClauses(types: Asked["types"]): Clause[] {
  return types === undefined ? [] : [anyOf("type", [], types)];
}

function userClauses(userId: Asked["userId"]): Clause[] {
  return userId === undefined ? [] : [equal("user_id", toColumn(userId))];
}

function equal(column: string, text: string): Clause {
  return { sql: `${column} = ?`, parameters: [text] };
}
