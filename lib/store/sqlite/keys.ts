import { fromColumn, toColumn } from "../rows.ts";
import { useAheadMs, type KeyEnd, type KeyUse, type StoredKey } from "../keys.ts";
import type { Database, Row } from "./database.ts";

const columns =
  "id, project, name, sha256, hint, scopes, replaces, created_at, ends_at, revoked, used_at";

export function addKey(
  db: Database,
  key: StoredKey,
  { limit, forgetBefore }: { readonly limit: number; readonly forgetBefore: number },
): "created" | "full" {
  const { project, createdAt } = key;
  const [holding] = db.get(
    "SELECT count(*) FROM keys WHERE project = ? AND (ends_at IS NULL OR ends_at > ?)",
    project,
    createdAt,
  )!;
  if ((holding as number) >= limit) return "full";
  db.run("DELETE FROM keys WHERE project = ? AND ends_at < ?", project, forgetBefore);
  db.run(
    `INSERT INTO keys (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    key.id,
    project,
    toColumn(key.name),
    key.sha256,
    key.hint,
    key.scopes,
    key.replaces ?? null,
    createdAt,
    key.endsAt ?? null,
    key.revoked ? 1 : 0,
    key.usedAt ?? null,
  );
  changed(db);
  return "created";
}

export function keys(db: Database, project: string): readonly StoredKey[] {
  return db
    .all(`SELECT ${columns} FROM keys WHERE project = ? ORDER BY created_at, id`, project)
    .map(keyOf);
}

export function key(db: Database, project: string, id: string): StoredKey | undefined {
  const row = db.get(`SELECT ${columns} FROM keys WHERE id = ? AND project = ?`, id, project);
  return row && keyOf(row);
}

export function endKey(
  db: Database,
  project: string,
  id: string,
  { at, revoked }: KeyEnd,
): "ended" | "absent" {
  if (key(db, project, id) === undefined) return "absent";
  db.run(
    `UPDATE keys SET ends_at = min(coalesce(ends_at, ?), ?), revoked = max(revoked, ?)
      WHERE id = ?`,
    at,
    at,
    revoked ? 1 : 0,
    id,
  );
  changed(db);
  return "ended";
}

export function usedKeys(db: Database, uses: readonly KeyUse[]): void {
  for (const { id, at } of uses) {
    db.run(
      `UPDATE keys SET used_at = ?
        WHERE id = ? AND coalesce(used_at NOT BETWEEN ? AND ?, true)`,
      at,
      id,
      at,
      at + useAheadMs,
    );
  }
}

export function keysVersion(db: Database): number {
  return db.get("SELECT n FROM key_changes")![0] as number;
}

export function holdingKeys(db: Database, at: number): readonly StoredKey[] {
  return db
    .all(
      `SELECT ${columns} FROM keys WHERE revoked = 0 AND (ends_at IS NULL OR ends_at > ?)
        ORDER BY id`,
      at,
    )
    .map(keyOf);
}

function changed(db: Database): void {
  db.run("UPDATE key_changes SET n = n + 1");
}

function keyOf(row: Row): StoredKey {
  const [id, project, name, sha256, hint, scopes, replaces, createdAt, endsAt, revoked, usedAt] =
    row as readonly unknown[] as [
      ...[string, string, string, string, string, string, string | null],
      ...[number, number | null, number, number | null],
    ];
  return {
    id,
    project,
    name: fromColumn(name),
    sha256,
    hint,
    scopes,
    ...(replaces !== null && { replaces }),
    createdAt,
    ...(endsAt !== null && { endsAt }),
    revoked: revoked === 1,
    ...(usedAt !== null && { usedAt }),
  };
}
