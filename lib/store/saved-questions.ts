import type { ProjectId } from "../event/event.ts";
import type { Precondition } from "../questions/saved.ts";

/**
 * Keeps questions under names, for each project its own: the part of the event store that has
 * nothing to do with events. Writes are durable when they resolve, and of two at once each sees the
 * other or not at all.
 */
export interface QuestionStore {
  /**
   * Keep a question under its name, in place of one that is there; where it is not, `full` if the
   * project has `limit` of them. (Where many processes save at once there may be a few more.)
   */
  saveQuestion(
    project: ProjectId,
    question: QuestionToSave,
    demand: Precondition,
    limit: number,
  ): Promise<"created" | "replaced" | "unmet" | "full">;

  savedQuestion(project: ProjectId, name: string): Promise<SavedQuestion | undefined>;

  /** All of a project, by name (by code unit), without what they ask. */
  savedQuestions(project: ProjectId): Promise<readonly QuestionSummary[]>;

  removeQuestion(
    project: ProjectId,
    name: string,
    demand: Precondition,
  ): Promise<"removed" | "absent" | "unmet">;
}

export interface QuestionSummary {
  /** 1-128 of the characters of ids. */
  readonly name: string;
  readonly kind: string;
  readonly description: string;
  /** A new one with each save. */
  readonly version: string;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  readonly savedAt: number;
  /** JSON of how it is shown, where somebody said so. */
  readonly view?: string;
}

export interface SavedQuestion extends QuestionSummary {
  /** JSON. */
  readonly question: string;
}

export type QuestionToSave = Omit<SavedQuestion, "createdAt">;
