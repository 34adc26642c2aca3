import { createHash } from "node:crypto";
import { readFile, rename, writeFile } from "node:fs/promises";
import type { Place } from "./records.ts";

/** How far a file was imported: everything before the place is confirmed. */
export interface Checkpoint extends Place {
  readonly version: 1;
  /** A fingerprint of source, target and mapping: an import with another one begins anew. */
  readonly job: string;
  /** A fingerprint of the file's first lines: another file of the same name begins anew. */
  readonly head: string;
  readonly accepted: number;
  readonly refused: number;
}

/** A fingerprint of what an import depends on; it reveals nothing about the key. */
export function jobOf(parts: readonly unknown[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("base64url").slice(0, 22);
}

/** The checkpoint of the same file and job; `undefined` where there is none, or it cannot be read. */
export async function readCheckpoint(
  file: string,
  job: string,
  head: string,
): Promise<Checkpoint | undefined> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  try {
    const checkpoint = JSON.parse(text) as Checkpoint;
    const isOurs = checkpoint.version === 1 && checkpoint.job === job && checkpoint.head === head;
    return isOurs && Number.isSafeInteger(checkpoint.offset) ? checkpoint : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Writes all of it or nothing.
 * @throws Error that says where else it may be
 */
export async function writeCheckpoint(file: string, checkpoint: Checkpoint): Promise<void> {
  const next = `${file}.new`;
  try {
    await writeFile(next, `${JSON.stringify(checkpoint)}\n`);
    await rename(next, file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const message = `the checkpoint ${file} cannot be written (${code}): --checkpoint FILE puts it elsewhere`;
    throw new Error(message, { cause: error });
  }
}
