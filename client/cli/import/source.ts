import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { pipeline, type Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { UsageError } from "../exit-codes.ts";
import { RecordSplitter, type FileRecord } from "./records.ts";

/** A file, or standard input, as bytes; unpacked where it is gzip. */
export interface Source {
  readonly pieces: AsyncIterable<Buffer>;
  /** The size of the file on disk; `undefined` for standard input. */
  readonly totalBytes: number | undefined;
  /** How many of these bytes were read. */
  readonly readBytes: () => number;
}

const pieceBytes = 262_144;

/**
 * @param offset where to begin, in bytes of the content; a compressed file is decompressed up to
 *   there
 */
export async function openSource(file: string, offset = 0): Promise<Source> {
  if (file === "-") {
    return {
      pieces: process.stdin as AsyncIterable<Buffer>,
      totalBytes: undefined,
      readBytes: () => 0,
    };
  }
  const { size, isPacked } = await lookAt(file);
  const start = isPacked ? 0 : Math.min(offset, size);
  const bytes = createReadStream(file, { start, highWaterMark: pieceBytes });
  const readBytes = () => start + bytes.bytesRead;
  if (!isPacked) return { pieces: bytes, totalBytes: size, readBytes };
  const unpacked: Readable = pipeline(
    bytes,
    createGunzip({ chunkSize: pieceBytes }),
    () => undefined,
  );
  return { pieces: from(unpacked, offset), totalBytes: size, readBytes };
}

/** How a file begins; empty records count for nothing. */
export interface FileBeginning {
  /** The first record, which may be unreadable; `undefined` where the file has none. */
  readonly first: FileRecord | undefined;
  /** The texts of the first records that can be read. */
  readonly texts: readonly string[];
}

/**
 * @param delimiter of a table; see `RecordSplitter`
 * @param count how many texts are read at most
 */
export async function readBeginning(
  file: string,
  delimiter: string | undefined,
  count: number,
): Promise<FileBeginning> {
  const splitter = new RecordSplitter(delimiter);
  let first: FileRecord | undefined;
  const texts: string[] = [];
  const take = (records: readonly FileRecord[]) => {
    for (const record of records) {
      if (record.text === "") continue;
      first ??= record;
      if (record.text !== undefined && texts.length < count) texts.push(record.text);
    }
  };
  for await (const piece of (await openSource(file)).pieces) {
    take(splitter.push(piece));
    if (texts.length === count) return { first, texts };
  }
  take(splitter.finish());
  return { first, texts };
}

/** The pieces of a stream; `undefined` whenever none arrives for a while. */
export async function* withPauses(
  pieces: AsyncIterable<Buffer>,
  afterMs: number,
): AsyncGenerator<Buffer | undefined, void> {
  const iterator = pieces[Symbol.asyncIterator]();
  try {
    let next = iterator.next();
    for (;;) {
      let timer: NodeJS.Timeout | undefined;
      const pause = new Promise<undefined>((resolve) => {
        timer = setTimeout(() => resolve(undefined), afterMs);
      });
      const result = await Promise.race([next, pause]);
      clearTimeout(timer);
      if (result?.done === true) return;
      yield result?.value;
      if (result !== undefined) next = iterator.next();
    }
  } finally {
    void iterator.return?.();
  }
}

async function lookAt(
  file: string,
): Promise<{ readonly size: number; readonly isPacked: boolean }> {
  const handle = await open(file);
  try {
    const stat = await handle.stat();
    if (stat.isFIFO() || stat.isSocket()) {
      throw new UsageError(`${file} is a pipe, which cannot be read twice: pass it as -`);
    }
    const { size } = stat;
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(2), 0, 2, 0);
    return { size, isPacked: bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b };
  } finally {
    await handle.close();
  }
}

async function* from(pieces: AsyncIterable<Buffer>, offset: number): AsyncGenerator<Buffer, void> {
  let left = offset;
  for await (const piece of pieces) {
    if (left < piece.length) yield piece.subarray(left);
    left = Math.max(0, left - piece.length);
  }
}
