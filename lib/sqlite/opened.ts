import { renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { crc32 } from "node:zlib";
import { readIfThere, replaceFile, sizeOf, sumOf, syncFolder, type FileSum } from "./files.ts";
import { isUntouched } from "./wal.ts";

/** A file up to this size gets a checksum when a start opens it; that takes 0.1 s. */
const smallBytes = 64 * 1_048_576;

// The note's name holds how often a writer has opened the file since the note was made.
const never = (file: string) => `${file}-opened`;
const once = (file: string) => `${file}-opened-once`;

/**
 * Records a small file's checksum before its writer opens it. While the writer keeps it open and
 * copies no part of the log into it, the file stays as it is, so a difference after a kill is
 * damage.
 */
export function noteOpening(file: string): void {
  forget(file);
  if (sizeOf(file) > smallBytes) return;
  const sum = sumOf(file);
  replaceFile(never(file), JSON.stringify({ ...sum, own: ownSum(sum) }));
}

/**
 * Called by a writer that opens the file: from the second time on the file's right content is
 * unknown.
 */
export function countOpening(file: string): void {
  try {
    renameSync(never(file), once(file));
  } catch {
    forget(file);
  }
}

/**
 * The checksum that the file must have, where it is known. Asks the index of the log, which must be
 * current.
 */
export function sumAtOpening(file: string): FileSum | undefined {
  const note = readIfThere(once(file));
  if (note === undefined || !isUntouched(file)) return undefined;
  try {
    const { own, ...sum } = JSON.parse(note.toString()) as FileSum & { readonly own: number };
    return own === ownSum(sum) ? sum : undefined;
  } catch {
    return undefined;
  }
}

/** The note's own checksum: a damaged note counts as none. */
function ownSum({ size, crc }: FileSum): number {
  return crc32(`${size} ${crc}`);
}

function forget(file: string): void {
  if (sizeOf(never(file)) + sizeOf(once(file)) === 0) return;
  rmSync(never(file), { force: true });
  rmSync(once(file), { force: true });
  syncFolder(dirname(file));
}
