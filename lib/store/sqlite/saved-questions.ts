import type { QuestionSummary, QuestionToSave, SavedQuestion } from "../saved-questions.ts";
import type { Precondition } from "../../questions/saved.ts";
import type { Database, Row } from "./database.ts";
import { fromColumn, toColumn } from "../rows.ts";

const summary = "name, kind, description, version, created_at, saved_at, view";

export function saveQuestion(
  db: Database,
  project: string,
  { name, kind, description, version, savedAt, question, view }: QuestionToSave,
  demand: Precondition,
  limit: number,
): "created" | "replaced" | "unmet" | "full" {
  const storedVersion = versionOf(db, project, name);
  if (!isMet(demand, storedVersion)) return "unmet";
  if (storedVersion === undefined && countOf(db, project) >= limit) return "full";
  db.run(
    `INSERT INTO questions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET kind = excluded.kind, description = excluded.description,
        version = excluded.version, saved_at = excluded.saved_at, question = excluded.question,
        view = excluded.view`,
    project,
    name,
    kind,
    toColumn(description),
    version,
    savedAt,
    savedAt,
    question,
    view ?? null,
  );
  return storedVersion === undefined ? "created" : "replaced";
}

export function savedQuestion(
  db: Database,
  project: string,
  name: string,
): SavedQuestion | undefined {
  const row = db.get(
    `SELECT ${summary}, question FROM questions WHERE project = ? AND name = ?`,
    project,
    name,
  );
  return row && { ...summaryOf(row), question: row[7] as string };
}

export function savedQuestions(db: Database, project: string): readonly QuestionSummary[] {
  return db
    .all(`SELECT ${summary} FROM questions WHERE project = ? ORDER BY name`, project)
    .map(summaryOf);
}

export function removeQuestion(
  db: Database,
  project: string,
  name: string,
  demand: Precondition,
): "removed" | "absent" | "unmet" {
  const storedVersion = versionOf(db, project, name);
  if (!isMet(demand, storedVersion)) return "unmet";
  if (storedVersion === undefined) return "absent";
  db.run("DELETE FROM questions WHERE project = ? AND name = ?", project, name);
  return "removed";
}

function versionOf(db: Database, project: string, name: string): string | undefined {
  const row = db.get("SELECT version FROM questions WHERE project = ? AND name = ?", project, name);
  return row?.[0] as string | undefined;
}

function countOf(db: Database, project: string): number {
  return db.get("SELECT count(*) FROM questions WHERE project = ?", project)![0] as number;
}

function isMet(demand: Precondition, storedVersion: string | undefined): boolean {
  if (demand === "any") return true;
  if (demand === "absent") return storedVersion === undefined;
  if (storedVersion === undefined) return false;
  return demand === "present" || demand.versions.includes(storedVersion);
}

function summaryOf(row: Row): QuestionSummary {
  const [name, kind, description, version, createdAt, savedAt, view] =
    row as readonly unknown[] as [string, string, string, string, number, number, string | null];
  return {
    name,
    kind,
    description: fromColumn(description),
    version,
    createdAt,
    savedAt,
    ...(view !== null && { view }),
  };
}
