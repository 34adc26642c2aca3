import type { ProjectId } from "../../event/event.ts";
import { inOneAnswer, type Collections, type QuestionDocument } from "./documents.ts";
import { insertAbsent } from "./writes.ts";
import type { QuestionSummary, QuestionToSave, SavedQuestion } from "../saved-questions.ts";
import type { Precondition } from "../../questions/saved.ts";
import { fromColumn, toColumn } from "../rows.ts";

/**
 * The rounds of replacing and inserting: each is lost only to another process that saves or removes
 * the same question.
 */
const maxRounds = 20;

export async function saveQuestion(
  { questions }: Collections,
  project: ProjectId,
  { name, savedAt, description, view, ...rest }: QuestionToSave,
  demand: Precondition,
  limit: number,
): Promise<"created" | "replaced" | "unmet" | "full"> {
  const _id = questionKey(project, name);
  const set = { ...rest, description: toColumn(description), savedAt };
  const kept = view !== undefined && { view };
  for (let round = 0; round < maxRounds; round += 1) {
    if (demand !== "absent") {
      const { matchedCount } = await questions.updateOne(
        { _id, ...versionFilter(demand) },
        view === undefined ? { $set: set, $unset: { view: "" } } : { $set: { ...set, view } },
      );
      if (matchedCount > 0) return "replaced";
      if (demand !== "any") return "unmet";
    }
    const isThere = (await questions.findOne({ _id })) !== null;
    if (isThere && demand === "absent") return "unmet";
    if (isThere) continue;
    if ((await questions.countDocuments({ project })) >= limit) return "full";
    const document = { _id, project, name, createdAt: savedAt, ...set, ...kept };
    if ((await insertAbsent(questions, [document])).length === 0) return "created";
    if (demand === "absent") return "unmet";
  }
  return "unmet";
}

export async function savedQuestion(
  { questions }: Collections,
  project: ProjectId,
  name: string,
): Promise<SavedQuestion | undefined> {
  const found = await questions.findOne({ _id: questionKey(project, name) });
  return found === null ? undefined : { ...summaryOf(found), question: found.question };
}

export async function savedQuestions(
  { questions }: Collections,
  project: ProjectId,
): Promise<readonly QuestionSummary[]> {
  const found = await questions
    .find({ project }, { ...inOneAnswer, projection: { question: 0 } })
    .sort({ name: 1 })
    .toArray();
  return found.map(summaryOf);
}

export async function removeQuestion(
  { questions }: Collections,
  project: ProjectId,
  name: string,
  demand: Precondition,
): Promise<"removed" | "absent" | "unmet"> {
  const _id = questionKey(project, name);
  if (demand === "absent") return (await questions.findOne({ _id })) === null ? "absent" : "unmet";
  const { deletedCount } = await questions.deleteOne({ _id, ...versionFilter(demand) });
  if (deletedCount > 0) return "removed";
  return demand === "any" ? "absent" : "unmet";
}

function versionFilter(demand: Exclude<Precondition, "absent">): { version?: { $in: string[] } } {
  return typeof demand === "string" ? {} : { version: { $in: [...demand.versions] } };
}

/** A project has no `|`. */
function questionKey(project: ProjectId, name: string): string {
  return `${project}|${name}`;
}

function summaryOf(document: Omit<QuestionDocument, "question">): QuestionSummary {
  const { name, kind, description, version, createdAt, savedAt, view } = document;
  return {
    name,
    kind,
    description: fromColumn(description),
    version,
    createdAt,
    savedAt,
    ...(view !== undefined && { view }),
  };
}
