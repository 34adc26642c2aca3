import { ConnectionError, ProblemError } from "./errors.ts";

/** How long to wait between attempts. */
export interface Patience {
  /** The first wait, doubled each time. */
  readonly firstMs: number;
  readonly mostMs: number;
}

const usualPatience: Patience = { firstMs: 500, mostMs: 30_000 };

/**
 * The wait before the next attempt: what the service asks for, plus up to the usual wait, so that
 * many clients do not come at once; where it asks for nothing, half of the usual wait up to all of
 * it.
 * @param attempt how many attempts failed, from 1
 * @param random from 0 to below 1
 */
export function pauseMs(
  attempt: number,
  retryAfterMs: number | undefined,
  random: number,
  { firstMs, mostMs }: Patience = usualPatience,
): number {
  const usual = Math.min(mostMs, firstMs * 2 ** (attempt - 1));
  return retryAfterMs === undefined ? usual * (0.5 + random / 2) : retryAfterMs + usual * random;
}

/** Refusals that do not say that the request is wrong. */
const passingRefusals = [408, 425, 429];

/** Not implemented, and the version of HTTP: the same request would fail again. */
const lastingFailures = [501, 505];

/**
 * Whether another attempt may help: no answer came, or one that blames the moment or the server. A
 * failure of the server, or of whatever stands before it, leaves open what became of the request:
 * only one that may arrive twice is to be repeated.
 */
export function isPassing(error: unknown): error is ConnectionError | ProblemError {
  if (error instanceof ConnectionError) return true;
  if (!(error instanceof ProblemError)) return false;
  const { status } = error;
  return passingRefusals.includes(status) || (status >= 500 && !lastingFailures.includes(status));
}

/** Milliseconds of a `Retry-After` header, which holds seconds or a date; `undefined` where it holds neither. */
export function retryAfterMs(header: string | null, now: number): number | undefined {
  if (header === null) return undefined;
  if (/^\s*\d{1,9}\s*$/.test(header)) return Number(header) * 1_000;
  const instant = Date.parse(header);
  return Number.isNaN(instant) ? undefined : Math.max(0, instant - now);
}

/**
 * Resolves after a while; rejects with the signal's reason as soon as it is aborted. The timer
 * keeps no Node process alive: `StayingAlive` does that.
 */
export function delay(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason as Error);
    const stopTimer = after(ms, () => {
      signal?.removeEventListener("abort", stop);
      resolve();
    });
    function stop(): void {
      stopTimer();
      reject(signal?.reason as Error);
    }
    signal?.addEventListener("abort", stop, { once: true });
  });
}

/** The longest timer of Node and browsers, in milliseconds: a longer one fires at once. */
const longestTimerMs = 2 ** 31 - 1;

/**
 * Calls back after a while of any length; never after `Infinity`. The timer keeps no Node process
 * alive: `StayingAlive` does that.
 * @returns a function that stops the timer
 */
export function after(ms: number, call: () => void): () => void {
  let timer: ReturnType<typeof setTimeout>;
  const wait = (leftMs: number) => {
    const partMs = Math.min(leftMs, longestTimerMs);
    timer = setTimeout(() => (leftMs > partMs ? wait(leftMs - partMs) : call()), partMs);
    unref(timer);
  };
  wait(ms);
  return () => clearTimeout(timer);
}

/** Lets a Node process end although this timer is set. Browsers have no such thing. */
function unref(timer: unknown): void {
  if (typeof timer === "object") (timer as { unref?: () => void }).unref?.();
}

/** Keeps a Node process alive while somebody awaits something. */
export class StayingAlive {
  #awaited = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  async while<T>(work: () => Promise<T>): Promise<T> {
    this.#awaited += 1;
    this.#timer ??= setInterval(() => undefined, 60_000);
    try {
      return await work();
    } finally {
      this.#awaited -= 1;
      if (this.#awaited === 0) {
        clearInterval(this.#timer);
        this.#timer = undefined;
      }
    }
  }
}
