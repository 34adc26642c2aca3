import type { ServerResponse } from "node:http";
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
 * How many callers are remembered that left before their call arrived: the call may still be on its
 * way.
 */
const maxRemembered = 1_000;

/** The callers that wait for an answer here, each under the id of its call, until it leaves. */
export class Callers {
  readonly #waiting = new Map<string, Waiting>();
  readonly #left = new Set<string>();

  /**
   * Notes that a call begins; it may be nested in another call of the same caller.
   * @returns the signal that is aborted when the caller leaves
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
   * Notes that a node is gone, and with it all callers there.
   * @param silentMs how long the node was silent, where nothing else is known: a caller that called
   *   since then shows that the node was alive
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

const leaving = new WeakMap<object, AbortSignal>();

/**
 * Remembers, for a context, the signal that its caller has left: code that makes calls within this
 * context uses it.
 */
export function keepLeaving(context: object, left: AbortSignal): void {
  leaving.set(context, left);
}

/**
 * The signal that is aborted once the caller has left; `undefined` where this process cannot know
 * that.
 */
export function leavingOf(context: object): AbortSignal | undefined {
  return leaving.get(context);
}

/**
 * Does work when a response is closed: when it was sent, or when its client has left. Where it is
 * closed already, the work is done at once, since "close" does not come again.
 */
export function onceClosed(response: ServerResponse, work: () => void): void {
  if (response.closed) work();
  else response.once("close", work);
}

/**
 * Does work until a deadline at the most; at the deadline the work's signal is aborted and the
 * caller is answered, whatever the work does then.
 * @param outer aborts the work's signal too
 * @throws what the work throws; `late()` at the deadline
 */
export async function endingWithin<T>(
  ms: number,
  late: () => Error,
  outer: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = new AbortController();
  const over = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const error = late();
    over.reject(error);
    deadline.abort(error);
  }, ms);
  const signals = [deadline.signal, ...(outer === undefined ? [] : [outer])];
  try {
    return await Promise.race([work(AbortSignal.any(signals)), over.promise]);
  } finally {
    clearTimeout(timer);
  }
}

interface Shared<T> {
  readonly result: Promise<T>;
  readonly stop: AbortController;
  waiting: number;
}

/**
 * Does work once for all callers that ask for the same at the same time, and stops it once all of
 * them have left.
 */
export class SharedWork<T> {
  readonly #underWay = new Map<string, Shared<T>>();

  /**
   * @param key names the work: callers with the same key share the work under way
   * @param begin begins the work; its signal is aborted when nobody waits any more
   * @throws what the work throws; the signal's reason as soon as that is aborted
   */
  async ask(
    key: string,
    signal: AbortSignal | undefined,
    begin: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    signal?.throwIfAborted();
    const shared = this.#underWay.get(key) ?? this.#begin(key, begin);
    shared.waiting += 1;
    if (signal === undefined) return shared.result;
    const left = Promise.withResolvers<never>();
    const leave = () => {
      shared.waiting -= 1;
      if (shared.waiting === 0) this.#stop(key, shared, signal.reason);
      left.reject(signal.reason as Error);
    };
    signal.addEventListener("abort", leave, { once: true });
    try {
      return await Promise.race([shared.result, left.promise]);
    } finally {
      signal.removeEventListener("abort", leave);
    }
  }

  #begin(key: string, begin: (signal: AbortSignal) => Promise<T>): Shared<T> {
    const stop = new AbortController();
    const shared: Shared<T> = { result: begin(stop.signal), stop, waiting: 0 };
    this.#underWay.set(key, shared);
    const ended = () => this.#forget(key, shared);
    shared.result.then(ended, ended);
    return shared;
  }

  /** Later callers begin the work anew. */
  #stop(key: string, shared: Shared<T>, reason: unknown): void {
    this.#forget(key, shared);
    shared.stop.abort(reason);
  }

  #forget(key: string, shared: Shared<T>): void {
    if (this.#underWay.get(key) === shared) this.#underWay.delete(key);
  }
}
