/** It took longer than it may. */
export class TimedOut extends Error {
  override readonly name = "TimedOut";
}

/** @returns a check that throws TimedOut once the time is over; to be called every so often */
export function deadline(timeoutMs: number): () => void {
  const end = performance.now() + timeoutMs;
  return () => {
    if (performance.now() > end) {
      throw new TimedOut(`it took longer than ${timeoutMs} ms and was stopped`);
    }
  };
}
