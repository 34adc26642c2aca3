import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { hashBytes, writeHash } from "../../counting/sketch.ts";
import type { Scalar } from "../../event/filter.ts";
import { firstValue } from "../../questions/fold.ts";

/** One property of a chunk's events, in the order of the chunk. */
export interface StoredColumn {
  /**
   * For each event the number of its value: `missing`, `composite`, or `firstValue` plus an index
   * of `values`.
   */
  readonly numbers: Uint8Array | Uint16Array;
  /** Each value once; decoded on the first access. */
  readonly values: readonly Scalar[];
  /** The number that all events have, where they have the same one. */
  readonly constant?: number;
}

/** The number of an event that does not have the property. */
export const missing = 0;

/** The number of an event whose property is an object or an array. */
export const composite = 1;

const headerBytes = 8;

/**
 * The first byte of a compressed column; a frame of zstd with its checksum follows (RFC 8878).
 * Columns of versions before compression begin with another byte: the width of their numbers, or,
 * for instants, 0, the low byte of every whole number below 2^44.
 */
const compressed = 3;

const checksummed = { params: { [constants.ZSTD_c_checksumFlag]: 1 } };

/** Collects the values of a property, event by event. */
export class ColumnBuilder {
  readonly #rows: number;
  readonly #numbers: Uint16Array;
  readonly #known = new Map<Scalar, number>();
  #textLength = 0;
  #last: Scalar | undefined;
  #lastNumber = 0;

  /** @param rows the most events of the chunk */
  constructor(rows: number) {
    this.#rows = rows;
    this.#numbers = new Uint16Array(rows);
  }

  /** The length of all texts among the values, in code units. */
  get textLength(): number {
    return this.#textLength;
  }

  /** The distinct values, in the order of the column. */
  get values(): Iterable<Scalar> {
    return this.#known.keys();
  }

  set(row: number, value: Scalar): void {
    // Many properties have the same value in event after event; comparing is cheaper than hashing.
    if (value !== this.#last) {
      this.#last = value;
      this.#lastNumber = this.#numberOf(value);
    }
    this.#numbers[row] = this.#lastNumber;
  }

  #numberOf(value: Scalar): number {
    let number = this.#known.get(value);
    if (number === undefined) {
      number = firstValue + this.#known.size;
      this.#known.set(value, number);
      if (typeof value === "string") this.#textLength += value.length;
    }
    return number;
  }

  setComposite(row: number): void {
    this.#numbers[row] = composite;
  }

  /**
   * Encodes the column as bytes: the width of a number (0 where all numbers are equal), that equal
   * number, the length of the rest, the numbers, and last the values as JSON. Little-endian.
   * @param order the rows in the order in which the column has them; default as they were set
   */
  encode(rows = this.#rows, order?: Uint32Array): Uint8Array {
    const set = this.#numbers.subarray(0, rows);
    const numbers = order === undefined ? set : new Uint16Array(rows);
    if (order !== undefined) for (let at = 0; at < rows; at++) numbers[at] = set[order[at]!]!;
    const first = numbers[0] ?? missing;
    const width = numbers.every((number) => number === first) ? 0 : this.#known.size < 254 ? 1 : 2;
    const values = Buffer.from(JSON.stringify([...this.#known.keys()]));
    const bytes = Buffer.alloc(headerBytes + width * rows + values.length);
    bytes.writeUInt8(width, 0);
    bytes.writeUInt16LE(first, 2);
    bytes.writeUInt32LE(rows, 4);
    if (width === 1) bytes.set(numbers, headerBytes);
    if (width === 2) {
      bytes.set(new Uint8Array(numbers.buffer, numbers.byteOffset, 2 * rows), headerBytes);
    }
    bytes.set(values, headerBytes + width * rows);
    return packed(bytes);
  }
}

/** Decodes a column. @throws Error where the bytes are not a column of this many events */
export function decodeColumn(packedBytes: Uint8Array, rows: number): StoredColumn {
  const { buffer, byteOffset, length } = aligned(unpacked(packedBytes));
  const view = new DataView(buffer, byteOffset, headerBytes);
  const width = view.getUint8(0);
  if (view.getUint32(4, true) !== rows) throw new Error("a column of another chunk");
  const numbers =
    width === 0
      ? new Uint16Array(rows).fill(view.getUint16(2, true))
      : new (width === 1 ? Uint8Array : Uint16Array)(buffer, byteOffset + headerBytes, rows);
  const start = headerBytes + width * rows;
  const json = Buffer.from(buffer, byteOffset + start, length - start);
  let values: readonly Scalar[] | undefined;
  const column = {
    numbers,
    ...(width === 0 && { constant: view.getUint16(2, true) }),
    get values() {
      return (values ??= JSON.parse(json.toString()) as readonly Scalar[]);
    },
  };
  // A column without a checksum is decoded at once, to find out whether its values are whole.
  return packedBytes[0] === compressed ? column : { ...column, values: column.values };
}

/** The column of a property that no event of the chunk has. */
export function missingColumn(rows: number): StoredColumn {
  return { numbers: new Uint8Array(rows), values: [], constant: missing };
}

/** The widths of the steps between instants: whole numbers, or numbers of any size. */
const narrowStep = 4;
const wideStep = 8;

/**
 * Encodes and compresses instants, in epoch milliseconds, one for each event: the width of a step
 * (in 8 bytes), then the step from each instant to the next. The first step starts at 0, and is a
 * double. Narrow steps are zigzag whole numbers; their lowest bytes stand together, then their next
 * bytes, so that small steps cost next to nothing.
 */
export function encodeInstants(instants: Float64Array): Uint8Array {
  const rows = instants.length;
  const steps = new Float64Array(rows);
  let isNarrow = true;
  for (let at = 0; at < rows; at++) {
    const step = instants[at]! - (at === 0 ? 0 : instants[at - 1]!);
    steps[at] = step;
    isNarrow &&= at === 0 || step === (step | 0);
  }
  const bytes = new Uint8Array(8 + (isNarrow ? 8 + narrowStep * rows : wideStep * rows));
  bytes[0] = isNarrow ? narrowStep : wideStep;
  const doubles = new Float64Array(bytes.buffer, 8, isNarrow ? 1 : rows);
  doubles.set(isNarrow ? [steps[0] ?? 0] : steps);
  for (let at = 1; isNarrow && at < rows; at++) {
    const step = steps[at]!;
    const zigzag = (step << 1) ^ (step >> 31);
    for (let byte = 0; byte < narrowStep; byte++)
      bytes[16 + byte * rows + at] = zigzag >>> (8 * byte);
  }
  return packed(bytes);
}

/** Decodes instants. @throws Error where the bytes are not the instants of this many events */
export function decodeInstants(packedBytes: Uint8Array, rows: number): Float64Array {
  const { buffer, byteOffset, length } = aligned(unpacked(packedBytes));
  const isPlain = packedBytes[0] !== compressed;
  const isNarrow = !isPlain && new Uint8Array(buffer, byteOffset, 1)[0] === narrowStep;
  const expected = isPlain ? 8 * rows : isNarrow ? 16 + narrowStep * rows : 8 + wideStep * rows;
  if (length !== expected) throw new Error("instants of another chunk");
  if (isPlain) return new Float64Array(buffer, byteOffset, rows);

  if (!isNarrow) return summed(new Float64Array(buffer, byteOffset + 8, rows));
  const [first] = new Float64Array(buffer, byteOffset + 8, 1);
  return narrowSummed(first!, new Uint8Array(buffer, byteOffset + 16), rows);
}

function summed(steps: Float64Array): Float64Array {
  const instants = new Float64Array(steps.length);
  let instant = 0;
  for (let at = 0; at < steps.length; at++) instants[at] = instant += steps[at]!;
  return instants;
}

/**
 * Sums up instants from the first instant and the bytes of the zigzag steps, the lowest bytes
 * first. Most steps have one or two bytes, so the higher bytes are mostly skipped.
 */
function narrowSummed(first: number, bytes: Uint8Array, rows: number): Float64Array {
  const planes = [0, 1, 2, 3].map((byte) => bytes.subarray(byte * rows, (byte + 1) * rows));
  const [low, second, third, high] = planes as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  const isShort = isZero(third) && isZero(high);
  const instants = new Float64Array(rows);
  let instant = first;
  for (let at = 0; at < rows; at++) {
    let zigzag = low[at]! | (second[at]! << 8);
    if (!isShort) zigzag |= (third[at]! << 16) | (high[at]! << 24);
    instants[at] = instant += (zigzag >>> 1) ^ -(zigzag & 1);
  }
  return instants;
}

function isZero(bytes: Uint8Array): boolean {
  let any = 0;
  for (let at = 0; at < bytes.length; at++) any |= bytes[at]!;
  return any === 0;
}

/** Encodes the hash of each text, one after the other, compressed. */
export function encodeHashes(texts: Iterable<Scalar>): Uint8Array {
  const all = [...texts];
  const bytes = Buffer.alloc(hashBytes * all.length);
  all.forEach((text, at) => writeHash(String(text), bytes, hashBytes * at));
  return packed(bytes);
}

/** Decodes hashes. @throws Error where the bytes are no hashes */
export function decodeHashes(bytes: Uint8Array): Uint8Array {
  if (bytes[0] !== compressed) throw new Error("no hashes");
  return unpacked(bytes);
}

function packed(bytes: Uint8Array): Uint8Array {
  const frame = zstdCompressSync(bytes, checksummed);
  const all = new Uint8Array(1 + frame.length);
  all[0] = compressed;
  all.set(frame, 1);
  return all;
}

function unpacked(bytes: Uint8Array): Uint8Array {
  return bytes[0] === compressed ? zstdDecompressSync(bytes.subarray(1)) : bytes;
}

/** Moves bytes to an address at which numbers of any width can be read. */
function aligned(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes.byteOffset % 8 === 0 ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(bytes);
}
