import { hashBytes, writeHash } from "../../counting/sketch.ts";

/**
 * Numbers actors from 0, in the order in which they come, by their texts or by their hashes
 * (`writeHash`): an actor has one number, whichever comes. Two actors with the same 64-bit hash would
 * be one.
 */
export class Actors {
  readonly #texts = new Map<string, number>();
  #hashes: Hashes | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  numberOf(text: string): number {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    const number = this.#hashes === undefined ? this.#size : this.#numbered(hashOf(text), 0);
    if (number === this.#size) this.#size += 1;
    this.#texts.set(text, number);
    return number;
  }

  /** @param at where the hash begins */
  numberOfHash(hashes: Uint8Array, at: number): number {
    if (this.#hashes === undefined) {
      this.#hashes = new Hashes();
      for (const [text, number] of this.#texts) this.#hashes.numberOf(hashOf(text), 0, number);
    }
    const number = this.#numbered(hashes, at);
    if (number === this.#size) this.#size += 1;
    return number;
  }

  #numbered(hashes: Uint8Array, at: number): number {
    return this.#hashes!.numberOf(hashes, at, this.#size);
  }
}

function hashOf(text: string): Uint8Array {
  const hash = Buffer.alloc(hashBytes);
  writeHash(text, hash, 0);
  return hash;
}

/** The 32-bit words of an entry: both halves of the hash, and one more than its number. */
const entryWords = 4;

/** A number for each hash: a table with open addressing, at most three quarters full. */
class Hashes {
  #entries = new Uint32Array(1_024 * entryWords);
  #size = 0;

  /** @returns the number of the hash, which is `otherwise` where it has none yet */
  numberOf(hashes: Uint8Array, at: number, otherwise: number): number {
    const low = wordAt(hashes, at);
    const high = wordAt(hashes, at + 4);
    const entry = this.#entryOf(low, high);
    const known = this.#entries[entry + 2]!;
    if (known !== 0) return known - 1;
    this.#put(entry, low, high, otherwise);
    this.#size += 1;
    if (4 * this.#size * entryWords > 3 * this.#entries.length) this.#grow();
    return otherwise;
  }

  /** The place of the hash, or the one that is free for it. */
  #entryOf(low: number, high: number): number {
    const entries = this.#entries;
    const last = entries.length - entryWords;
    // The hashes of a hash function are spread evenly, so a few of their bits suffice.
    let entry = (low * entryWords) & last;
    while (entries[entry + 2] !== 0 && (entries[entry] !== low || entries[entry + 1] !== high)) {
      entry = (entry + entryWords) & last;
    }
    return entry;
  }

  #put(entry: number, low: number, high: number, number: number): void {
    this.#entries[entry] = low;
    this.#entries[entry + 1] = high;
    this.#entries[entry + 2] = number + 1;
  }

  #grow(): void {
    const before = this.#entries;
    this.#entries = new Uint32Array(2 * before.length);
    for (let at = 0; at < before.length; at += entryWords) {
      const [low, high, number] = [before[at]!, before[at + 1]!, before[at + 2]!];
      if (number !== 0) this.#put(this.#entryOf(low, high), low, high, number - 1);
    }
  }
}

function wordAt(bytes: Uint8Array, at: number): number {
  const [a, b, c, d] = [bytes[at]!, bytes[at + 1]!, bytes[at + 2]!, bytes[at + 3]!];
  return (a | (b << 8) | (c << 16) | (d << 24)) >>> 0;
}
