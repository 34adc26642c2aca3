import { ServiceError } from "../errors.ts";

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
      throw new TimedOut(inWords(timeoutMs));
    }
  };
}

/** The error of a question that was stopped after its time. */
export function tookTooLong(timeoutMs: number): ServiceError {
  return new ServiceError("QUERY_TOO_EXPENSIVE", inWords(timeoutMs));
}

function inWords(timeoutMs: number): string {
  return `it took longer than ${timeoutMs} ms and was stopped`;
}
