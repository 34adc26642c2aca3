import { userOf } from "../../event/event.ts";
import { type EventQuery, meetsFilter } from "../../event/filter.ts";
import type { HeldEvent } from "../../event/schemas/held.ts";
import type { Erasable } from "../erasing.ts";
import type { QuarantinedEvent, QuarantineQuery } from "../quarantine.ts";
import { toColumn } from "../rows.ts";
import type { Database, Row, Value } from "./database.ts";
import { overwriting } from "./overwriting.ts";
import type { CurrentSchema, KeptSchema } from "../schemas.ts";

export function putSchema(
  db: Database,
  { project, type, revision, current, versions }: KeptSchema,
  limit: number,
): "kept" | "stale" | "full" {
  if ((schema(db, project, type)?.revision ?? 0) !== revision - 1) return "stale";
  const [others] = db.get(
    "SELECT count(*) FROM schemas WHERE project = ? AND type <> ? AND current <> ''",
    project,
    type,
  )!;
  if (current !== "" && (others as number) >= limit) return "full";
  db.run(
    `INSERT INTO schemas VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE
      SET revision = excluded.revision, current = excluded.current, versions = excluded.versions`,
    project,
    type,
    revision,
    current,
    versions,
  );
  db.run("UPDATE schema_changes SET n = n + 1");
  return "kept";
}

export function schema(db: Database, project: string, type: string): KeptSchema | undefined {
  const row = db.get(
    "SELECT revision, current, versions FROM schemas WHERE project = ? AND type = ?",
    project,
    type,
  ) as readonly unknown[] as readonly [number, string, string] | undefined;
  return row && { project, type, revision: row[0], current: row[1], versions: row[2] };
}

export function currentSchemas(db: Database, project?: string): readonly CurrentSchema[] {
  const columns = "SELECT project, type, current FROM schemas WHERE current <> ''";
  const rows =
    project === undefined
      ? db.all(`${columns} ORDER BY project, type`)
      : db.all(`${columns} AND project = ? ORDER BY type`, project);
  return rows.map((row: Row) => {
    const [of, type, current] = row as readonly unknown[] as [string, string, string];
    return { project: of, type, current };
  });
}

export function schemasVersion(db: Database): number {
  return db.get("SELECT n FROM schema_changes")![0] as number;
}

const columns = "held, revision, replay";

/** The batch that put an event into quarantine, or stored it, under an id. */
export interface Holder {
  readonly batch: string;
  readonly hash: string;
  readonly replay: string | null;
}

export function holderOf(db: Database, project: string, id: string): Holder | undefined {
  const row = db.get(
    "SELECT batch, hash, replay FROM quarantine WHERE project = ? AND id = ?",
    project,
    id,
  ) as readonly unknown[] as readonly [string, string, string | null] | undefined;
  return row && { batch: row[0], hash: row[1], replay: row[2] };
}

export function hold(db: Database, held: HeldEvent, batch: string): void {
  const { project, id, hash } = held.event;
  db.run(
    "INSERT INTO quarantine VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, NULL, ?)",
    project,
    id,
    batch,
    ...contentOf(held, hash),
  );
}

/** Removes an event from quarantine, because it is stored or dropped. */
export function removeHeld(db: Database, project: string, id: string): void {
  const remove = "DELETE FROM quarantine WHERE project = ? AND id = ?";
  overwriting(db, () => db.run(remove, project, id));
}

/** The values of the columns from `type` to `held`. */
function contentOf(held: HeldEvent, hash: string): [string, string | null, ...Value[]] {
  const { event } = held;
  const user = userOf(event);
  return [
    event.type,
    user === undefined ? null : toColumn(user),
    event.receivedAt,
    event.timestamp,
    hash,
    JSON.stringify(held),
  ];
}

export function quarantined(
  db: Database,
  { project, types, userId, limit, after }: QuarantineQuery,
): readonly QuarantinedEvent[] {
  const conditions = ["project = ?"];
  const values: Value[] = [project];
  if (types !== undefined) {
    conditions.push(`type IN (${types.map(() => "?").join()})`);
    values.push(...types);
  }
  if (userId !== undefined) {
    conditions.push("user_id = ?");
    values.push(toColumn(userId));
  }
  if (after !== undefined) {
    conditions.push("(received_at, id) < (?, ?)");
    values.push(after.receivedAt, after.id);
  }
  const rows = db.all(
    `SELECT ${columns} FROM quarantine WHERE ${conditions.join(" AND ")}
      ORDER BY received_at DESC, id DESC LIMIT ?`,
    ...values,
    limit,
  );
  return rows.map(quarantinedOf);
}

export function inQuarantine(
  db: Database,
  project: string,
  id: string,
): QuarantinedEvent | undefined {
  const row = db.get(`SELECT ${columns} FROM quarantine WHERE project = ? AND id = ?`, project, id);
  return row && quarantinedOf(row);
}

export function countQuarantine(db: Database): number {
  return db.get("SELECT count(*) FROM quarantine")![0] as number;
}

export function amendHeld(db: Database, held: HeldEvent, revision: number): boolean {
  const { project, id, hash } = held.event;
  const existing = inQuarantine(db, project, id);
  if (existing === undefined || existing.revision !== revision || existing.replay !== undefined) {
    return false;
  }
  const update = `UPDATE quarantine
    SET type = ?, user_id = ?, received_at = ?, timestamp = ?, hash = ?, held = ?,
      revision = revision + 1 WHERE project = ? AND id = ?`;
  overwriting(db, () => db.run(update, ...contentOf(held, hash), project, id));
  return true;
}

export function releaseHeld(
  db: Database,
  project: string,
  id: string,
  batch: string,
): (QuarantinedEvent & { readonly replay: string }) | undefined {
  const update = `UPDATE quarantine SET replay = coalesce(replay, ?), revision = revision + 1
    WHERE project = ? AND id = ?`;
  overwriting(db, () => db.run(update, batch, project, id));
  const existing = inQuarantine(db, project, id);
  return existing && { ...existing, replay: existing.replay ?? batch };
}

/** The events in quarantine that would match a query if they were stored, in any order. */
export function erasableHeld(db: Database, query: EventQuery): readonly Erasable[] {
  const { project, userId, limit } = query;
  const [mine, values] =
    userId === undefined ? ["", []] : [" AND user_id = ?", [toColumn(userId)] as const];
  const found: Erasable[] = [];
  const rows = db.iterate(
    `SELECT batch, held FROM quarantine WHERE project = ?${mine}`,
    project,
    ...values,
  );
  for (const row of rows) {
    const [batch, text] = row as readonly unknown[] as [string, string];
    const { event } = JSON.parse(text) as HeldEvent;
    if (!meetsFilter(event, query)) continue;
    found.push({ id: event.id, batch, timestamp: event.timestamp });
    if (found.length === limit) break;
  }
  return found;
}

function quarantinedOf(row: Row): QuarantinedEvent {
  const [text, revision, replay] = row as readonly unknown[] as [string, number, string | null];
  const held = JSON.parse(text) as HeldEvent;
  return { held, revision, ...(replay !== null && { replay }) };
}
