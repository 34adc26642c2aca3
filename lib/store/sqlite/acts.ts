import type { ActKind, Actor } from "../../questions/audit-log.ts";
import type { Act, BegunAct } from "../acts.ts";
import { fromColumn, toColumn } from "../rows.ts";
import type { Database, Row } from "./database.ts";

export function beginAct(
  db: Database,
  { project, id, at, actor, what, target, details, requestId }: BegunAct,
): void {
  db.run(
    "INSERT INTO acts VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'begun')",
    project,
    id,
    at,
    JSON.stringify(actor),
    what,
    toColumn(target),
    JSON.stringify(details),
    requestId ?? null,
  );
}

export function endAct(
  db: Database,
  project: string,
  id: string,
  outcome: "done" | "failed",
): void {
  db.run(
    "UPDATE acts SET outcome = ? WHERE project = ? AND id = ? AND outcome = 'begun'",
    outcome,
    project,
    id,
  );
}

export function acts(
  db: Database,
  project: string,
  { limit, before }: { readonly limit: number; readonly before?: string },
): readonly Act[] {
  const from = before === undefined ? "" : "AND id < ?";
  return db
    .all(
      `SELECT project, id, at, actor, what, target, details, request_id, outcome FROM acts
        WHERE project = ? ${from} ORDER BY id DESC LIMIT ?`,
      project,
      ...(before === undefined ? [] : [before]),
      limit,
    )
    .map(actOf);
}

function actOf(row: Row): Act {
  const [project, id, at, actor, what, target, details, requestId, outcome] =
    row as readonly unknown[] as [
      ...[string, string, number, string, ActKind, string, string, string | null],
      Act["outcome"],
    ];
  return {
    id,
    project,
    at,
    actor: JSON.parse(actor) as Actor,
    what,
    target: fromColumn(target),
    details: JSON.parse(details) as Act["details"],
    ...(requestId !== null && { requestId }),
    outcome,
  };
}
