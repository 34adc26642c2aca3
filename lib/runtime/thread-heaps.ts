import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Middleware } from "moleculer";

/**
 * Lets threads that are started from now on have the young generation that their limits name. Where
 * the process was started with `--max-semi-space-size`, as `npm start` does for the event loop,
 * that would go before the limits of every thread. The heap of the caller's thread stays as it is.
 */
export function limitYoungGenerations(): void {
  setFlagsFromString("--max-semi-space-size=0");
}

/** When the start counts as over, after the services are up: the first questions were asked. */
const startEndsMs = 3_000;

/**
 * Gives back, once, what only the start took of the event loop's heap: a process at rest collects
 * no garbage, so it would keep the whole young generation that loading the modules needed.
 */
export function returnStartHeap(afterMs: number = startEndsMs): Middleware {
  return {
    name: "ReturnStartHeap",
    started: () => {
      setTimeout(shrinkHeap, afterMs).unref();
      return Promise.resolve();
    },
  };
}

/** Collects all garbage of the caller's thread and shrinks its heap; takes some 100 ms. */
function shrinkHeap(): void {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as NodeJS.GCFunction;
  collect({ type: "major", execution: "sync", flavor: "last-resort" });
}
