import { hash } from "node:crypto";
import { fewestPeriods, maxPeriods, type Interval } from "../../counting/calendar.ts";
import type { OpenRange, Range } from "../../event/filter.ts";
import { firstInstant, lastInstant } from "../../event/instant.ts";
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

/** Longer than any text of `cursorText`. */
const maxCursorLength = 1_024;

/** Reads the parts that `cursorText` wrote; empty for any other text. */
export function partsOfCursor(cursor: unknown): readonly unknown[] {
  if (typeof cursor !== "string" || cursor.length > maxCursorLength) return [];
  try {
    const parts = JSON.parse(Buffer.from(cursor, "base64url").toString()) as unknown;
    return Array.isArray(parts) && cursorText(parts) === cursor ? parts : [];
  } catch {
    return [];
  }
}

function isWhole(part: unknown): part is number {
  return Number.isSafeInteger(part);
}

/** Whether a part of a cursor is an instant that an event can have, in epoch milliseconds. */
export function isInstant(part: unknown): part is number {
  return isWhole(part) && part >= firstInstant && part <= lastInstant;
}

/** Whether a part of a cursor can be the id of an event; empty: a place before all ids. */
export function isIdPart(part: unknown): part is string {
  return typeof part === "string" && /^[\x21-\x7e]{0,128}$/.test(part);
}

/** The cursor of the rows after the first `offset`, for the same range. */
export function rowCursorOf({ scope }: RowPage, offset: number, { from, to }: Range): string {
  return cursorText([offset, from, to, scope]);
}

/** A question as far as it decides which cursors are its own. */
interface RowQuestion {
  /** The question as one text, by `scopeOf`. */
  readonly scope: string;
  /** The range that it asks for. */
  readonly range: OpenRange;
  /** The interval of its series. */
  readonly interval?: Interval | undefined;
}

/** More rows than any answer has: the groups of two ranges. */
const maxOffset = 200_000;

/**
 * Reads a cursor, the first page without one; adds a finding where the cursor belongs to another
 * question, or where no answer can have given it.
 */
export function readRowCursor(
  value: unknown,
  question: RowQuestion,
  pointer: string,
  findings: Findings,
): RowPage {
  const first = { offset: 0, scope: question.scope };
  if (value === undefined) return first;
  const [offset, from, to, of, ...others] = partsOfCursor(value);
  const isOwn = of === question.scope && others.length === 0;
  if (isOwn && isOffset(offset) && isInstant(from) && isEnd(to)) {
    const range = { from, to };
    if (isRangeOf(question, range)) return { ...first, offset, range };
  }
  const message = "cursor must be a nextCursor of the same question";
  findings.push({ pointer, code: "cursor", message });
  return first;
}

/** Whether a part of a cursor is the end of a range, which may lie behind the last instant. */
function isEnd(part: unknown): part is number {
  return isWhole(part) && isInstant(part - 1);
}

function isOffset(part: unknown): part is number {
  return isWhole(part) && part >= 1 && part <= maxOffset;
}

/** Whether an answer to the question can be about this range. */
function isRangeOf({ range: open, interval }: RowQuestion, range: Range): boolean {
  const { from, to } = range;
  if (from >= to || from !== (open.from ?? from) || to !== (open.to ?? to)) return false;
  return interval === undefined || fewestPeriods(interval, range) <= maxPeriods;
}
