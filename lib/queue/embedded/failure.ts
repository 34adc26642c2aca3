/** A commit failed in such a way that the reopened file may still hold it. */
export class DoubtfulCommit extends Error {
  override readonly name = "DoubtfulCommit";

  constructor(cause: unknown) {
    super((cause as Error).message, { cause });
  }
}

/**
 * Whether an error means lack of space, or another process at the file: the file is sound and need
 * not be reopened.
 */
export function isTransient(error: unknown): boolean {
  const { errcode = 0, code } = error as { errcode?: number; code?: string };
  return [5, 6, 13].includes(errcode % 256) || code === "ENOSPC" || code === "EDQUOT";
}
