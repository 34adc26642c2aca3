import { renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { crc32 } from "node:zlib";
import { readIfThere, replaceFile, sizeOf, sumOf, syncFolder, type FileSum } from "./files.ts";
import { isUntouched } from "./wal.ts";

/** Up to this size a file's checksum is taken when a start opens it: 0.1 s. */
const smallBytes = 64 * 1_048_576;

// The note's name holds how often a writer has opened the file since the note was made.
const never = (file: string) => `${file}-opened`;
const once = (file: string) => `${file}-opened-once`;

/**
 * Note what a small file looks like before its writer opens it. While that one keeps it open, and
 * copies nothing of the log into the file, the file stays so: whatever differs after a kill is
 * damage.
 */
export function noteOpening(file: string): void {
  forget(file);
  if (sizeOf(file) > smallBytes) return;
  const sum = sumOf(file);
  replaceFile(never(file), JSON.stringify({ ...sum, own: ownSum(sum) }));
}

/**
 * To be called by a writer that opens the file: from the second time on nobody knows what the file
 * should look like.
 */
export function countOpening(file: string): void {
  try {
    renameSync(never(file), once(file));
  } catch {
    forget(file);
  }
}

/** What the file must look like, where that is known. */
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

/** A note that is damaged itself says nothing. */
function ownSum({ size, crc }: FileSum): number {
  return crc32(`${size} ${crc}`);
}

function forget(file: string): void {
  if (sizeOf(never(file)) + sizeOf(once(file)) === 0) return;
  rmSync(never(file), { force: true });
  rmSync(once(file), { force: true });
  syncFolder(dirname(file));
}
