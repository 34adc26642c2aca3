import type { Hold } from "./bodies.ts";

/** The size of a buffer that chunks are copied into. */
const leastBytes = 4_096;
const nothing = Buffer.alloc(0);

/**
 * Collects chunks in one buffer, which grows by doubling: a chunk object takes some 200 bytes of
 * its own, however small it is. Most bodies are one chunk, which is not copied.
 */
export class Gathered {
  readonly #hold: Hold;
  readonly #mostBytes: number;
  #buffer: Buffer = nothing;
  sizeBytes = 0;

  /** @param mostBytes the most bytes that will come */
  constructor(hold: Hold, mostBytes: number) {
    this.#hold = hold;
    this.#mostBytes = mostBytes;
  }

  /** @throws ServiceError where there is no room; the body then stays as it was */
  add(chunk: Buffer): void {
    const neededBytes = this.sizeBytes + chunk.length;
    if (this.sizeBytes === 0) {
      this.#hold.grow(chunk.length);
      this.#buffer = chunk;
    } else {
      if (neededBytes > this.#buffer.length) this.#grow(neededBytes);
      chunk.copy(this.#buffer, this.sizeBytes);
    }
    this.sizeBytes = neededBytes;
  }

  #grow(neededBytes: number): void {
    const doubled = Math.max(leastBytes, 2 * this.#buffer.length);
    const sizeBytes = Math.max(neededBytes, Math.min(doubled, this.#mostBytes));
    this.#hold.grow(sizeBytes);
    const buffer = Buffer.allocUnsafeSlow(sizeBytes);
    this.#buffer.copy(buffer, 0, 0, this.sizeBytes);
    this.#buffer = buffer;
  }

  /**
   * Returns the body. Called once: the request lives until it is answered and must not hold its
   * body as long.
   */
  whole(): Buffer {
    const whole = this.#buffer.subarray(0, this.sizeBytes);
    this.#buffer = nothing;
    return whole;
  }
}
