import { crc32 } from "node:zlib";
import { readIfThere, replaceFile, type FileSum } from "./files.ts";

/** The files with data that a folder may have. */
export type PartName = "store" | "queue";

/** A file of the folder, as the process that used it last knew it. */
export interface PartRecord {
  /** What the file's identity says since the last start; `null` where it had none yet. */
  readonly epoch: string | null;
  /** What it is about to say: a start that was cut off leaves one or the other. */
  readonly next?: string;
  /** Only after an orderly stop, when nothing writes the file any more. */
  readonly sum?: FileSum;
}

/** What belongs together in a data folder. */
export interface FolderRecord {
  readonly folder: string;
  readonly parts: Readonly<Partial<Record<PartName, PartRecord>>>;
}

/** `damaged`: there is a record, but nothing can be relied on that it says. */
export type FoundRecord = FolderRecord | "absent" | "damaged";

export function readRecord(file: string): FoundRecord {
  const text = readIfThere(file)?.toString();
  if (text === undefined) return "absent";
  try {
    const { crc, ...record } = JSON.parse(text) as FolderRecord & { readonly crc: number };
    return crc === crcOf(record) ? record : "damaged";
  } catch {
    return "damaged";
  }
}

/** Durable when it returns. @throws the error of the file system */
export function writeRecord(file: string, record: FolderRecord): void {
  replaceFile(file, `${JSON.stringify({ ...record, crc: crcOf(record) }, null, 2)}\n`);
}

function crcOf({ folder, parts }: FolderRecord): number {
  return crc32(JSON.stringify({ folder, parts }));
}
