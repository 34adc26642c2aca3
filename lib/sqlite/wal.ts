import { endianness } from "node:os";
import { readIfThere } from "./files.ts";

const headerBytes = 32;
const frameHeaderBytes = 24;
const littleMagic = 0x377f0682;

interface Log {
  readonly salts: string;
  /** How often the log was restarted since its file was opened; opening counts as once. */
  readonly round: number;
  /** How many frames from the beginning are whole; the last of them ends a commit. */
  readonly committed: number;
  /** Whether a commit is missing that was durable. */
  readonly torn: boolean;
}

/**
 * Whether a SQLite file's write-ahead log lacks commits that were durable, as far as that can be
 * seen. SQLite itself takes everything behind the first bad frame for an interrupted write and
 * silently drops it.
 * There are two witnesses. A commit is written only when the one before was synced, so whole frames
 * behind a commit that is behind a bad frame mean damage. And the index beside the log (`-shm`)
 * says how many frames there were, which survives a killed process. Formats:
 * https://www.sqlite.org/fileformat2.html#walformat and walformat.html.
 * @returns what is wrong; `undefined` where nothing is, or it is unknown
 */
export function lostCommits(file: string): string | undefined {
  const bytes = readIfThere(`${file}-wal`);
  const index = readIndex(readIfThere(`${file}-shm`));
  const log = bytes && readLog(bytes);
  if (log?.torn === true) return `${file}-wal is damaged`;
  if (index === undefined || index.frames <= index.copied) return undefined;
  if (bytes === undefined) return `${file}-wal is missing`;
  if (log === undefined || log.salts !== index.salts)
    return `${file}-wal is not the one of ${file}`;
  return log.committed < index.frames ? `${file}-wal lacks its end` : undefined;
}

/**
 * Whether it is certain that the log holds everything that was written since a killed process
 * opened the file, so that the file itself is still as it was then.
 */
export function isUntouched(file: string): boolean {
  const index = readIndex(readIfThere(`${file}-shm`));
  const bytes = readIfThere(`${file}-wal`);
  const log = bytes && readLog(bytes);
  if (index === undefined || log === undefined) return false;
  return index.copying === 0 && index.salts === log.salts && log.round <= 1;
}

/** Reads a log; `undefined` where the bytes are not one. */
function readLog(bytes: Buffer): Log | undefined {
  if (bytes.length < headerBytes) return undefined;
  const magic = bytes.readUInt32BE(0);
  if ((magic & ~1) >>> 0 !== littleMagic) return undefined;
  const sum = checksum(magic === littleMagic);
  const head = sum(bytes.subarray(0, 24), [0, 0]);
  if (!isSum(bytes, 24, head)) return undefined;
  const salts = bytes.toString("hex", 16, 24);
  const round = bytes.readUInt32BE(12);
  const frameBytes = frameHeaderBytes + bytes.readUInt32BE(8);
  let before = head;
  let committed = 0;
  /**
   * The frames behind a bad one: none, or a commit, which is either the interrupted write or a
   * durable one.
   */
  let behind: "nothing" | "commit" | undefined;
  for (
    let at = headerBytes, frame = 1;
    at + frameBytes <= bytes.length;
    at += frameBytes, frame += 1
  ) {
    const next = sum(
      bytes.subarray(at + frameHeaderBytes, at + frameBytes),
      sum(bytes.subarray(at, at + 8), before),
    );
    // Frames of an earlier round of the log, with other salts, follow those of this one.
    const isWhole = bytes.toString("hex", at + 8, at + 16) === salts && isSum(bytes, at + 16, next);
    const commits = isWhole && bytes.readUInt32BE(at + 4) !== 0;
    if (isWhole && behind === "commit") return { salts, round, committed, torn: true };
    if (!isWhole) behind ??= "nothing";
    else if (commits && behind === undefined) committed = frame;
    else if (commits) behind = "commit";
    // Each frame holds the checksum up to itself, so good frames behind a bad one are still
    // recognized.
    before = [bytes.readUInt32BE(at + 16), bytes.readUInt32BE(at + 20)];
  }
  return { salts, round, committed, torn: false };
}

type Sum = readonly [number, number];

function checksum(little: boolean): (bytes: Buffer, start: Sum) => Sum {
  return (bytes, [first, second]) => {
    let s0 = first;
    let s1 = second;
    for (let at = 0; at < bytes.length; at += 8) {
      s0 = (s0 + (little ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at)) + s1) >>> 0;
      s1 = (s1 + (little ? bytes.readUInt32LE(at + 4) : bytes.readUInt32BE(at + 4)) + s0) >>> 0;
    }
    return [s0, s1];
  };
}

function isSum(bytes: Buffer, at: number, [first, second]: Sum): boolean {
  return bytes.readUInt32BE(at) === first && bytes.readUInt32BE(at + 4) === second;
}

interface Index {
  readonly salts: string;
  /** How many frames the log has. */
  readonly frames: number;
  /** How many of them the file itself certainly holds. */
  readonly copied: number;
  /** How many of them it may hold: a process announces this number before it copies the frames. */
  readonly copying: number;
}

function readIndex(bytes: Buffer | undefined): Index | undefined {
  if (bytes === undefined || bytes.length < 136 || endianness() !== "LE") return undefined;
  // The header is written twice, the second copy first: where they differ nothing is known.
  if (!bytes.subarray(0, 48).equals(bytes.subarray(48, 96))) return undefined;
  const [first, second] = checksum(true)(bytes.subarray(0, 40), [0, 0]);
  if (bytes.readUInt32LE(40) !== first || bytes.readUInt32LE(44) !== second) return undefined;
  return {
    salts: bytes.toString("hex", 32, 40),
    frames: bytes.readUInt32LE(16),
    copied: bytes.readUInt32LE(96),
    copying: bytes.readUInt32LE(128),
  };
}
