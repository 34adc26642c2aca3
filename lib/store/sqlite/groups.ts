import type { ThreadCall } from "./verbs.ts";

/** The calls that may wait for others: their callers have many under way at a time. */
const mayWait: ReadonlySet<string> = new Set(["keepWhole"]);

/** How long they wait: a multiple of what the last group took, and never longer than `maxRestMs`. */
const restFactor = 2;
const maxRestMs = 20;

/**
 * Group commit: all calls that wait when the loop turns are carried out together, in their order.
 * Batches that come right after a commit wait a little for others: a commit costs the same for one
 * batch as for several, and several write a page of an index once. Any other call goes at once, and
 * takes along the batches that wait.
 * @returns a function that takes a call
 */
export function inGroups(
  carryOut: (calls: readonly ThreadCall[]) => void,
): (call: ThreadCall) => void {
  let waiting: ThreadCall[] = [];
  let restUntil = 0;
  let resting: NodeJS.Timeout | undefined;
  let isDue = false;
  const turn = () => {
    clearTimeout(resting);
    [resting, isDue] = [undefined, false];
    const calls = waiting;
    waiting = [];
    if (calls.length === 0) return;
    const begunAt = performance.now();
    carryOut(calls);
    const endedAt = performance.now();
    restUntil = endedAt + Math.min(maxRestMs, restFactor * (endedAt - begunAt));
  };
  return (call) => {
    waiting.push(call);
    if (isDue) return;
    const restMs = mayWait.has(call.verb) ? restUntil - performance.now() : 0;
    if (restMs >= 1) resting ??= setTimeout(turn, restMs);
    else {
      isDue = true;
      setImmediate(turn);
    }
  };
}
