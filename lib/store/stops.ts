/** Where one of two calls would have the other's place, the older one runs to its end. */
const places = 1_024;

/**
 * Tells a thread, also while it is busy, which of its calls nobody waits for any more. The memory
 * is shared by both threads; ids are whole numbers, each used once.
 */
export class Stops {
  readonly memory: SharedArrayBuffer;
  readonly #ids: Int32Array;

  constructor(memory = new SharedArrayBuffer(places * Int32Array.BYTES_PER_ELEMENT)) {
    this.memory = memory;
    this.#ids = new Int32Array(memory);
  }

  stop(id: number): void {
    Atomics.store(this.#ids, id % places, id | 0);
  }

  has(id: number): boolean {
    return Atomics.load(this.#ids, id % places) === (id | 0);
  }
}

/** Nobody waits for it any more. */
export class Stopped extends Error {
  override readonly name = "Stopped";
}
