import { setTimeout as delay } from "node:timers/promises";

/** Runs a piece of work, and then rests. */
export type Paced = <T>(work: () => Promise<T>) => Promise<T>;

/** So often somebody who rests looks whether it is to end. */
const lookEveryMs = 250;

/**
 * Work of the background that is done piece by piece, so that all of it together never takes more
 * than its share of the machine: after each piece comes a rest of a multiple of the piece's time.
 */
export function pacedBy(restFactor: number, isEnding: () => boolean): Paced {
  return async (work) => {
    const begunAt = performance.now();
    const done = await work();
    const restUntil = performance.now() + restFactor * (performance.now() - begunAt);
    for (let left = restUntil - performance.now(); left >= 1 && !isEnding();) {
      await delay(Math.min(left, lookEveryMs));
      left = restUntil - performance.now();
    }
    return done;
  };
}
