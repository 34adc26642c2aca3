import { crc32 } from "node:zlib";
import { readIfThere, replaceFile, type FileSum } from "./files.ts";

/** The data files that a folder may have. */
export type PartName = "store" | "queue";

/** The state of a file when the last process used it. */
export interface PartRecord {
  /** The identity of the file since the last start; `null` where it had none yet. */
  readonly epoch: string | null;
  /**
   * The identity that the file is about to get: a start that was cut off leaves one or the other.
   */
  readonly next?: string;
  /** The run of the system (`runOf`) in which the last start opened the file. */
  readonly run?: string;
  /** Set after an orderly stop, when nothing writes the file any more. */
  readonly sum?: FileSum;
}

/** The files that belong together in a data folder. */
export interface FolderRecord {
  readonly folder: string;
  readonly parts: Readonly<Partial<Record<PartName, PartRecord>>>;
}

/** `damaged`: there is a record, but its content cannot be relied on. */
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
