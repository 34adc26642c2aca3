import { setFlagsFromString } from "node:v8";

/**
 * Lets threads that are started from now on have the young generation that their limits name. Where
 * the process was started with `--max-semi-space-size`, as `npm start` does for the event loop,
 * that would go before the limits of every thread. The heap of the caller's thread stays as it is.
 */
export function limitYoungGenerations(): void {
  setFlagsFromString("--max-semi-space-size=0");
}
