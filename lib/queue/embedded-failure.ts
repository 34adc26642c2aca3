import type { Inserted } from "./embedded-intake.ts";
import type { Refusal } from "./embedded-protocol.ts";

/** A commit failed in such a way that the file may hold what it was about, once it is opened anew. */
export class DoubtfulCommit extends Error {
  override readonly name = "DoubtfulCommit";

  constructor(cause: unknown) {
    super((cause as Error).message, { cause });
  }
}

/** Want of room, or another process at the file: it is whole, and need not be opened anew. */
export function isTransient(error: unknown): boolean {
  const { errcode = 0, code } = error as { errcode?: number; code?: string };
  return [5, 6, 13].includes(errcode % 256) || code === "ENOSPC" || code === "EDQUOT";
}

/** Nothing of a transaction is kept, or, where its commit is in doubt, that is not known. */
export interface Unwritten {
  readonly reason: "QUEUE_UNAVAILABLE" | "OUTCOME_UNKNOWN";
}

export const unwritten: Unwritten = { reason: "QUEUE_UNAVAILABLE" };

export function failureOf(error: unknown): Unwritten {
  return error instanceof DoubtfulCommit ? { reason: "OUTCOME_UNKNOWN" } : unwritten;
}

export function isWritten(written: Inserted | Unwritten): written is Inserted {
  return "kept" in written;
}

export function refusalsOf(written: Inserted | Unwritten, published: number): readonly Refusal[] {
  if (!isWritten(written)) {
    return [{ type: written.reason, indexes: [...Array(published).keys()] }];
  }
  const refusals: readonly Refusal[] = [
    { type: "QUEUE_FULL", indexes: written.full },
    { type: "QUEUE_UNAVAILABLE", indexes: written.late },
  ];
  return refusals.filter(({ indexes }) => indexes.length > 0);
}
