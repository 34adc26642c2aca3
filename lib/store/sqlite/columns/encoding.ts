import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import type { Scalar } from "../../../event/filter.ts";

/** One property of a chunk's events, in the order of the chunk. */
export interface Column {
  /** For each event the number of its value: `missing`, `composite`, or `firstValue` plus a place in `values`. */
  readonly numbers: Uint8Array | Uint16Array;
  /** Each value once. */
  readonly values: readonly Scalar[];
}

/** The event has no such property. */
export const missing = 0;

/** The property is an object or an array. */
export const composite = 1;
export const firstValue = 2;

const headerBytes = 8;

/**
 * The first byte of a column that is compressed; a frame of zstd with its checksum follows (RFC 8878). Columns that were written
 * before there was compression begin with the width of their numbers, or are instants, whose low bytes are 0 as
 * those of all whole numbers below 2^44.
 */
const compressed = 3;

const checksummed = { params: { [constants.ZSTD_c_checksumFlag]: 1 } };

/** Puts the values of a property together, event by event. */
export class ColumnBuilder {
  readonly #rows: number;
  readonly #numbers: Uint16Array;
  readonly #known = new Map<Scalar, number>();
  #textLength = 0;

  /** @param rows how many events the chunk has at most */
  constructor(rows: number) {
    this.#rows = rows;
    this.#numbers = new Uint16Array(rows);
  }

  /** How long the texts among its values are together, in code units. */
  get textLength(): number {
    return this.#textLength;
  }

  set(row: number, value: Scalar): void {
    let number = this.#known.get(value);
    if (number === undefined) {
      number = firstValue + this.#known.size;
      this.#known.set(value, number);
      if (typeof value === "string") this.#textLength += value.length;
    }
    this.#numbers[row] = number;
  }

  setComposite(row: number): void {
    this.#numbers[row] = composite;
  }

  /**
   * The column as bytes: how wide a number is (0 where all are the same one), that one number, how long
   * the rest is, the numbers, and last the values as JSON. Little-endian.
   */
  encode(rows = this.#rows): Uint8Array {
    const numbers = this.#numbers.subarray(0, rows);
    const first = numbers[0] ?? missing;
    const width = numbers.every((number) => number === first) ? 0 : this.#known.size < 254 ? 1 : 2;
    const values = Buffer.from(JSON.stringify([...this.#known.keys()]));
    const bytes = Buffer.alloc(headerBytes + width * rows + values.length);
    bytes.writeUInt8(width, 0);
    bytes.writeUInt16LE(first, 2);
    bytes.writeUInt32LE(rows, 4);
    if (width === 1) bytes.set(numbers, headerBytes);
    if (width === 2) bytes.set(new Uint8Array(numbers.buffer, 0, 2 * rows), headerBytes);
    bytes.set(values, headerBytes + width * rows);
    return packed(bytes);
  }
}

/** @throws Error where the bytes are no column of so many events */
export function decodeColumn(packedBytes: Uint8Array, rows: number): Column {
  const { buffer, byteOffset, length } = aligned(unpacked(packedBytes));
  const view = new DataView(buffer, byteOffset, headerBytes);
  const width = view.getUint8(0);
  if (view.getUint32(4, true) !== rows) throw new Error("a column of another chunk");
  const numbers =
    width === 0
      ? new Uint16Array(rows).fill(view.getUint16(2, true))
      : new (width === 1 ? Uint8Array : Uint16Array)(buffer, byteOffset + headerBytes, rows);
  const start = headerBytes + width * rows;
  const values = Buffer.from(buffer, byteOffset + start, length - start);
  return { numbers, values: JSON.parse(values.toString()) as Scalar[] };
}

/** The column of a property that no event of the chunk has. */
export function missingColumn(rows: number): Column {
  return { numbers: new Uint8Array(rows), values: [] };
}

/** Epoch milliseconds, one for each event: the differences from one to the next, compressed. */
export function encodeInstants(instants: Float64Array): Uint8Array {
  const steps = instants.map((instant, at) => instant - (instants[at - 1] ?? 0));
  return packed(new Uint8Array(steps.buffer, steps.byteOffset, steps.byteLength));
}

/** @throws Error where the bytes are no instants of so many events */
export function decodeInstants(bytes: Uint8Array, rows: number): Float64Array {
  const { buffer, byteOffset, length } = aligned(unpacked(bytes));
  if (length !== 8 * rows) throw new Error("instants of another chunk");
  const instants = new Float64Array(buffer, byteOffset, rows);
  if (bytes[0] !== compressed) return instants;
  for (let at = 1; at < instants.length; at++) instants[at]! += instants[at - 1]!;
  return instants;
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

/** The bytes at an address at which numbers of any width can be read. */
function aligned(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes.byteOffset % 8 === 0 ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(bytes);
}
