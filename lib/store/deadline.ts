/** The work took longer than it may. */
export class TimedOut extends Error {
  override readonly name = "TimedOut";
}

/** @returns tells whether the time is over */
export function clock(timeoutMs: number): () => boolean {
  const end = performance.now() + timeoutMs;
  return () => performance.now() > end;
}

/** @returns a check that throws TimedOut once the time is over; to be called every so often */
export function deadline(timeoutMs: number): () => void {
  const isOver = clock(timeoutMs);
  return () => {
    if (isOver()) {
      throw new TimedOut(`it took longer than ${timeoutMs} ms and was stopped`);
    }
  };
}
