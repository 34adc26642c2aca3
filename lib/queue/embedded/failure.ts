/**
 * A commit failed in such a way that the file may hold what it was about, once it is opened anew.
 */
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
