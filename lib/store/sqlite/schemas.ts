import type { CurrentSchema, KeptSchema } from "../schemas.ts";
import type { Database, Row } from "./database.ts";

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
