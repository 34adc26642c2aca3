/** A later call may take the place of an earlier one; the earlier one then runs to its end. */
const places = 1_024;

/**
 * Tells a thread, even while it is busy, which of its calls no caller waits for any more. Both
 * threads share the memory; ids are whole numbers, each used once.
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

/** No caller waits for the call any more. */
export class Stopped extends Error {
  override readonly name = "Stopped";
}

/** The work took longer than allowed. */
export class TimedOut extends Error {
  override readonly name = "TimedOut";
}

/** @returns a function that says whether the time is over */
export function clock(timeoutMs: number): () => boolean {
  const end = performance.now() + timeoutMs;
  return () => performance.now() > end;
}

/** @returns a check that throws TimedOut once the time is over; to be called repeatedly */
export function deadline(timeoutMs: number): () => void {
  const isOver = clock(timeoutMs);
  return () => {
    if (isOver()) {
      throw new TimedOut(`it took longer than ${timeoutMs} ms and was stopped`);
    }
  };
}
