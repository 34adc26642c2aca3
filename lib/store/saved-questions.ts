import type { ProjectId } from "../event/event.ts";
import type { Precondition } from "../questions/saved.ts";

/**
 * Keeps saved questions, each project's separately: the part of the event store that has nothing to
 * do with events. Writes are durable when they resolve, and of two concurrent writes each sees all
 * of the other or nothing.
 */
export interface QuestionStore {
  /**
   * Saves a question under its name, in place of an existing one; returns `full` for a new name
   * where the project has `limit` questions. (Concurrent processes may exceed the limit by a few.)
   */
  saveQuestion(
    project: ProjectId,
    question: QuestionToSave,
    demand: Precondition,
    limit: number,
  ): Promise<"created" | "replaced" | "unmet" | "full">;

  savedQuestion(project: ProjectId, name: string): Promise<SavedQuestion | undefined>;

  /** All questions of a project, by name (by code unit), without their bodies. */
  savedQuestions(project: ProjectId): Promise<readonly QuestionSummary[]>;

  removeQuestion(
    project: ProjectId,
    name: string,
    demand: Precondition,
  ): Promise<"removed" | "absent" | "unmet">;
}

export interface QuestionSummary {
  /** 1-128 characters, those of ids. */
  readonly name: string;
  readonly kind: string;
  readonly description: string;
  /** New with each save. */
  readonly version: string;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  readonly savedAt: number;
  /** JSON: how the page shows it, if it was saved with it. */
  readonly view?: string;
}

export interface SavedQuestion extends QuestionSummary {
  /** JSON. */
  readonly question: string;
}

export type QuestionToSave = Omit<SavedQuestion, "createdAt">;
