import { ServiceError } from "../errors.ts";

interface Waiting {
  readonly controller: AbortController;
  /** The node that called. */
  readonly node: string | null;
  /** By `performance.now()`. */
  readonly since: number;
  calls: number;
}

/**
 * How many of those that left before they were heard of are remembered: their call may still be on
 * its way.
 */
const maxRemembered = 1_000;

/** The callers that wait for an answer here, each under the id of its call, until it has left. */
export class Callers {
  readonly #waiting = new Map<string, Waiting>();
  readonly #left = new Set<string>();

  /**
   * One call begins, perhaps within another of the same caller. @returns what is aborted when the
   * caller leaves
   */
  begin(id: string, node: string | null = null): AbortSignal {
    const caller = this.#waiting.get(id) ?? {
      ...{ controller: new AbortController(), node, calls: 0 },
      since: performance.now(),
    };
    this.#waiting.set(id, caller);
    caller.calls += 1;
    if (this.#left.delete(id)) caller.controller.abort(callerLeft());
    return caller.controller.signal;
  }

  end(id: string): void {
    const caller = this.#waiting.get(id);
    if (caller === undefined) return;
    caller.calls -= 1;
    if (caller.calls === 0) this.#waiting.delete(id);
  }

  left(id: string): void {
    const caller = this.#waiting.get(id);
    if (caller !== undefined) {
      caller.controller.abort(callerLeft());
      return;
    }
    this.#left.add(id);
    const [oldest] = this.#left;
    if (this.#left.size > maxRemembered) this.#left.delete(oldest!);
  }

  /**
   * All that wait at a node are gone with it.
   * @param silentMs for how long nothing was heard of the node, where that is all that is known:
   * who called since then shows that it was there
   */
  lost(node: string, silentMs = 0): void {
    const until = performance.now() - silentMs;
    for (const caller of this.#waiting.values()) {
      if (caller.node === node && caller.since <= until) caller.controller.abort(callerLeft());
    }
  }
}

function callerLeft(): ServiceError {
  return new ServiceError("CALLER_LEFT");
}
