import { hash } from "node:crypto";
import type { Range } from "../../event/filter.ts";
import { later, type Findings } from "./field.ts";

/**
 * The part of a question that names a page of its answer; it is read last, as it holds for the same
 * question alone.
 */
export const rowCursor = later({
  type: "string",
  description: "nextCursor of the page before, of the same question",
});

/** Which of an answer's rows are asked for. */
export interface RowPage {
  /** How many rows come before. */
  readonly offset: number;
  /** What is asked, as one text: a cursor holds for the same question alone. */
  readonly scope: string;
  /** The range of the answer that the cursor is from. */
  readonly range?: Range;
}

/** A question as one text. */
export function scopeOf(question: readonly unknown[]): string {
  return hash("sha256", JSON.stringify(question), "base64url").slice(0, 12);
}

/** The cursor for the rows after the first `offset`, of the same range. */
export function rowCursorOf({ scope }: RowPage, offset: number, { from, to }: Range): string {
  return Buffer.from(JSON.stringify([offset, from, to, scope])).toString("base64url");
}

/**
 * The page that a cursor stands for, the first without one; a finding where it is none of this
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
  const content = typeof value === "string" ? parsed(value) : undefined;
  if (Array.isArray(content) && content.length === 4) {
    const [offset, from, to, of] = content as unknown[];
    const areNumbers = [offset, from, to].every((it) => Number.isSafeInteger(it));
    if (areNumbers && (offset as number) > 0 && of === scope) {
      return {
        ...first,
        offset: offset as number,
        range: { from: from as number, to: to as number },
      };
    }
  }
  const message = "cursor must be a nextCursor of the same question";
  findings.push({ pointer, code: "cursor", message });
  return first;
}

function parsed(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, "base64url").toString()) as unknown;
  } catch {
    return undefined;
  }
}
