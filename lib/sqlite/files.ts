import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { crc32 } from "node:zlib";

/** Reads a file; `undefined` where it does not exist. */
export function readIfThere(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** The size of a file; 0 where it does not exist. */
export function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

/** Writes a small file so that after a power cut it has the old or the new content. */
export function replaceFile(file: string, text: string): void {
  const partial = `${file}.partial`;
  const descriptor = openSync(partial, "w", 0o600);
  try {
    writeSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(partial, file);
  syncFolder(dirname(file));
}

export function syncFolder(folder: string): void {
  const descriptor = openSync(folder, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

const blockBytes = 1_048_576;

/** The most blocks of a file that are read: a gigabyte takes about a second. */
const maxBlocks = 1_024;

/**
 * A file's size and the CRC-32 of its content; of a file above a gigabyte only 1,024 evenly spread
 * blocks count.
 */
export interface FileSum {
  readonly size: number;
  readonly crc: number;
}

export function sumOf(file: string): FileSum {
  const size = sizeOf(file);
  const blocks = Math.ceil(size / blockBytes);
  const step = Math.max(1, blocks / maxBlocks);
  const buffer = Buffer.allocUnsafe(blockBytes);
  const descriptor = openSync(file, "r");
  try {
    let crc = 0;
    for (let block = 0; block < blocks; block += step) {
      const length = readSync(descriptor, buffer, 0, blockBytes, Math.floor(block) * blockBytes);
      crc = crc32(buffer.subarray(0, length), crc);
    }
    return { size, crc };
  } finally {
    closeSync(descriptor);
  }
}
