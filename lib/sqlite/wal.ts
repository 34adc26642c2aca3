import { closeSync, openSync, readFileSync, readSync, statSync } from "node:fs";
import { endianness } from "node:os";
import { readIfThere } from "./files.ts";

const headerBytes = 32;
const frameHeaderBytes = 24;
const littleMagic = 0x377f0682;

/** About how much of a log is in memory at a time. */
const pieceBytes = 1_048_576;

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
 * @param isIndexCurrent whether the index is as the last process left it (`runOf`); otherwise it
 *   is no witness
 * @returns what is wrong; `undefined` where nothing is, or it is unknown
 */
export function lostCommits(file: string, isIndexCurrent: boolean): string | undefined {
  const log = withLog(file, readLog);
  if (log !== "missing" && log?.torn === true) return `${file}-wal is damaged`;
  const index = isIndexCurrent ? readIndex(readIfThere(`${file}-shm`)) : undefined;
  if (index === undefined || index.frames <= index.copied) return undefined;
  if (log === "missing") return `${file}-wal is missing`;
  if (log === undefined || log.salts !== index.salts)
    return `${file}-wal is not the one of ${file}`;
  return log.committed < index.frames ? `${file}-wal lacks its end` : undefined;
}

/**
 * Whether it is certain that the log holds everything that was written since a killed process
 * opened the file, so that the file itself is still as it was then. Asks the index, which must be
 * current (`runOf`).
 */
export function isUntouched(file: string): boolean {
  const index = readIndex(readIfThere(`${file}-shm`));
  const log = withLog(file, readHeader);
  if (index === undefined || log === "missing" || log === undefined) return false;
  return index.copying === 0 && index.salts === log.salts && log.round <= 1;
}

/**
 * Names the run of the operating system and the disk under a folder. Within both the index of a log
 * is as its last process left it. It is never synced: after a power cut, or on a copy of the disk,
 * it can be older than its log.
 * @returns `undefined` where the system does not tell
 */
export function runOf(folder: string): string | undefined {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
    return `${boot} ${statSync(folder).dev}`;
  } catch {
    return undefined;
  }
}

/** Reads a file's log with a descriptor of it. */
function withLog<T>(file: string, read: (descriptor: number) => T): T | "missing" {
  const log = `${file}-wal`;
  if (statSync(log, { throwIfNoEntry: false }) === undefined) return "missing";
  const descriptor = openSync(log, "r");
  try {
    return read(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

type Checksum = (bytes: Buffer, start: Sum) => Sum;

interface Header extends Pick<Log, "salts" | "round"> {
  readonly frameBytes: number;
  readonly sum: Checksum;
  /** The header's own checksum, from which the first frame's goes on. */
  readonly head: Sum;
}

/** Reads the header of a log; `undefined` where the file is not one. */
function readHeader(descriptor: number): Header | undefined {
  const bytes = Buffer.alloc(headerBytes);
  if (readSync(descriptor, bytes, 0, headerBytes, 0) < headerBytes) return undefined;
  const magic = bytes.readUInt32BE(0);
  if ((magic & ~1) >>> 0 !== littleMagic) return undefined;
  const sum = checksum(magic === littleMagic);
  const head = sum(bytes.subarray(0, 24), [0, 0]);
  if (!isSum(bytes, 24, head)) return undefined;
  return {
    salts: bytes.toString("hex", 16, 24),
    round: bytes.readUInt32BE(12),
    frameBytes: frameHeaderBytes + bytes.readUInt32BE(8),
    sum,
    head,
  };
}

/** The whole frames of a log in their order; the bytes of each are there until the next. */
function* framesOf(descriptor: number, frameBytes: number): Generator<Buffer, void, undefined> {
  const piece = Buffer.allocUnsafe(frameBytes * Math.ceil(pieceBytes / frameBytes));
  for (let from = headerBytes; ; from += piece.length) {
    const length = readSync(descriptor, piece, 0, piece.length, from);
    for (let at = 0; at + frameBytes <= length; at += frameBytes) {
      yield piece.subarray(at, at + frameBytes);
    }
    if (length < piece.length) return;
  }
}

/** Reads a log; `undefined` where the file is not one. */
function readLog(descriptor: number): Log | undefined {
  const header = readHeader(descriptor);
  if (header === undefined) return undefined;
  const { salts, round, frameBytes, sum, head } = header;
  let before = head;
  let committed = 0;
  let frame = 0;
  /**
   * The frames behind a bad one: none, or a commit, which is either the interrupted write or a
   * durable one.
   */
  let behind: "nothing" | "commit" | undefined;
  for (const bytes of framesOf(descriptor, frameBytes)) {
    frame += 1;
    const own = () => sum(bytes.subarray(frameHeaderBytes), sum(bytes.subarray(0, 8), before));
    // Frames of an earlier round of the log, with other salts, follow those of this one.
    const isWhole = bytes.toString("hex", 8, 16) === salts && isSum(bytes, 16, own());
    const commits = isWhole && bytes.readUInt32BE(4) !== 0;
    if (isWhole && behind === "commit") return { salts, round, committed, torn: true };
    if (!isWhole) behind ??= "nothing";
    else if (commits && behind === undefined) committed = frame;
    else if (commits) behind = "commit";
    // Each frame holds the checksum up to itself, so good frames behind a bad one are still
    // recognized.
    before = [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];
  }
  return { salts, round, committed, torn: false };
}

type Sum = readonly [number, number];

function checksum(little: boolean): Checksum {
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
