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

/** The most events of a chunk: so many values have numbers of 16 bits. */
export const maxRows = 65_536 - firstValue;

const headerBytes = 8;

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
    return bytes;
  }
}

export function decodeColumn(bytes: Uint8Array): Column {
  const { buffer, byteOffset, length } = aligned(bytes);
  const view = new DataView(buffer, byteOffset, headerBytes);
  const width = view.getUint8(0);
  const rows = view.getUint32(4, true);
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

/** Epoch milliseconds, one for each event. */
export function encodeInstants(instants: Float64Array): Uint8Array {
  return new Uint8Array(instants.buffer, instants.byteOffset, instants.byteLength);
}

export function decodeInstants(bytes: Uint8Array): Float64Array {
  const { buffer, byteOffset, length } = aligned(bytes);
  return new Float64Array(buffer, byteOffset, length / 8);
}

/** The bytes at an address at which numbers of any width can be read. */
function aligned(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes.byteOffset % 8 === 0 ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(bytes);
}
