import { hash } from "node:crypto";
import type { Range } from "../../event/filter.ts";
import { later, type Findings } from "./field.ts";

/** The cursor of a page of rows. It is read last, since it is valid only for the same question. */
export const rowCursor = later({
  type: "string",
  description: "nextCursor of the page before, of the same question",
});

/** The rows that a question asks for. */
export interface RowPage {
  /** How many rows are skipped. */
  readonly offset: number;
  /** The question as one text: a cursor is valid only for the same question. */
  readonly scope: string;
  /** The range of the answer that the cursor comes from. */
  readonly range?: Range;
}

/** Hashes a question, so that its cursors can be told from those of other questions. */
export function scopeOf(question: readonly unknown[]): string {
  return hash("sha256", JSON.stringify(question), "base64url").slice(0, 12);
}

/** Writes the parts of a cursor as one text. */
export function cursorText(parts: readonly unknown[]): string {
  return Buffer.from(JSON.stringify(parts)).toString("base64url");
}

/** Reads the parts that `cursorText` wrote; empty where the text is no cursor. */
export function partsOfCursor(cursor: unknown): readonly unknown[] {
  if (typeof cursor !== "string") return [];
  try {
    const parts = JSON.parse(Buffer.from(cursor, "base64url").toString()) as unknown;
    return Array.isArray(parts) ? parts : [];
  } catch {
    return [];
  }
}

/** The cursor of the rows after the first `offset`, for the same range. */
export function rowCursorOf({ scope }: RowPage, offset: number, { from, to }: Range): string {
  return cursorText([offset, from, to, scope]);
}

/**
 * Reads a cursor, the first page without one; adds a finding where the cursor belongs to another
 * question.
 */
export function readRowCursor(
  value: unknown,
  scope: string,
  pointer: string,
  findings: Findings,
): RowPage {
  const first = { offset: 0, scope };
  if (value === undefined) return first;
  const [offset, from, to, of, ...others] = partsOfCursor(value);
  const areNumbers = [offset, from, to].every((it) => Number.isSafeInteger(it));
  if (areNumbers && (offset as number) > 0 && of === scope && others.length === 0) {
    return {
      ...first,
      offset: offset as number,
      range: { from: from as number, to: to as number },
    };
  }
  const message = "cursor must be a nextCursor of the same question";
  findings.push({ pointer, code: "cursor", message });
  return first;
}
