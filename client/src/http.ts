import type { Finding, ProblemBody } from "./answers.ts";
import { ConnectionError, ProblemError } from "./errors.ts";
import { jsonText } from "./json.ts";
import { after, delay, isPassing, pauseMs, retryAfterMs, StayingAlive } from "./waiting.ts";

export interface Call {
  readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** The path below the service's address, with its query string. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly signal?: AbortSignal;
  /** Whether a browser is to complete the request although the page is left, where it has room. */
  readonly keepalive?: boolean;
}

/**
 * The bytes of all requests under way that are to be completed when a page is left. Browsers refuse
 * more than 64 KiB (the Fetch standard's inflight keepalive bytes); the rest is for others.
 */
const keepaliveBytes = 60_000;

/** A call whose body is JSON. @throws TypeError where JSON cannot carry it */
export function jsonCall(
  method: "POST" | "PUT" | "PATCH",
  path: string,
  body: object,
  signal?: AbortSignal,
  type = "application/json",
): Call {
  const headers = { "Content-Type": type };
  return { method, path, headers, body: jsonText(body), ...(signal && { signal }) };
}

export interface AskOptions {
  /** Ends the wait; a request under way is cut off. */
  readonly signal?: AbortSignal;
}

export interface HttpOptions {
  readonly url: string;
  readonly key?: string;
  readonly fetch: typeof globalThis.fetch;
  /** How long an answer may take; `Infinity` for ever. */
  readonly timeoutMs: number;
  /** How often a read is repeated after a passing error. */
  readonly retries: number;
}

export interface Answered<T> {
  readonly body: T;
  readonly status: number;
  readonly headers: Headers;
}

/**
 * Whether a text can be sent as a key: visible ASCII, with white space around it that is not sent.
 * An error of `fetch` about any other would show the key.
 */
export function isSendable(key: string): boolean {
  return /^[!-~]*$/.test(key.trim());
}

/** Sends requests to one service, with its key. Answers that are no success become errors. */
export class Http {
  readonly #options: HttpOptions;
  readonly #address: string;
  readonly #alive = new StayingAlive();
  #outlivingBytes = 0;

  constructor(options: HttpOptions) {
    const { protocol, origin, pathname } = new URL(options.url);
    if (protocol !== "http:" && protocol !== "https:") {
      throw new TypeError("url must begin with http:// or https://");
    }
    if (options.key !== undefined && !isSendable(options.key)) {
      throw new TypeError("key must hold visible characters of ASCII alone");
    }
    this.#options = options;
    this.#address = `${origin}${pathname.replace(/\/+$/, "")}`;
  }

  /** The address of a path. */
  addressOf(path: string): string {
    return `${this.#address}${path}`;
  }

  /** How many bytes more a page can send that is being left. */
  get keepaliveRoom(): number {
    return keepaliveBytes - this.#outlivingBytes;
  }

  get headers(): Readonly<Record<string, string>> {
    const { key } = this.#options;
    return key === undefined ? {} : { Authorization: `Bearer ${key}` };
  }

  /**
   * Sends a request once and reads the whole answer.
   * @throws ProblemError, ConnectionError; the signal's reason where it is aborted
   */
  async ask<T>(call: Call): Promise<Answered<T>> {
    return this.#within(call, async (response) => {
      const text = await response.text();
      const body = (text === "" ? undefined : parsed(text)) as T;
      return { body, status: response.status, headers: response.headers };
    });
  }

  /**
   * Sends a request and repeats it where that may help. For requests that change nothing, or may be
   * repeated. A Node process stays alive until the outcome is known.
   * @throws ProblemError, ConnectionError: those of the last attempt; the signal's reason where it
   *   is aborted
   */
  read<T>(call: Call): Promise<Answered<T>> {
    return this.#alive.while(() => this.#repeated<T>(call));
  }

  async #repeated<T>(call: Call): Promise<Answered<T>> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.ask<T>(call);
      } catch (error) {
        if (!isPassing(error) || attempt > this.#options.retries) throw error;
        const waitMs = error instanceof ProblemError ? error.retryAfterMs : undefined;
        if (waitMs !== undefined && waitMs > this.#options.timeoutMs) throw error;
        await delay(pauseMs(attempt, waitMs, Math.random()), call.signal);
      }
    }
  }

  /**
   * Sends a request and leaves the body of the answer to the caller, who aborts the signal or
   * cancels the body when done. Only the head has to arrive in time.
   */
  async open(call: Call): Promise<Response> {
    return this.#within(call, (response) => Promise.resolve(response), call.signal);
  }

  /** @param outlasting a signal that the answer's body still obeys, where it is read later */
  async #within<T>(
    { method = "GET", path, headers, body, signal, keepalive }: Call,
    take: (response: Response) => Promise<T>,
    outlasting?: AbortSignal,
  ): Promise<T> {
    signal?.throwIfAborted();
    const { fetch, timeoutMs } = this.#options;
    const stop = new AbortController();
    let isLate = false;
    const stopTimer = after(timeoutMs, () => {
      isLate = true;
      stop.abort();
    });
    const leave = () => stop.abort(signal?.reason);
    signal?.addEventListener("abort", leave, { once: true });
    const outliving = keepalive === true ? this.#takeRoom(byteLength(body)) : 0;
    try {
      const response = await fetch(this.addressOf(path), {
        method,
        headers: { ...this.headers, ...headers },
        // A Uint8Array is a valid body for fetch, whatever buffer it lies on.
        body: body as string | undefined,
        signal: stop.signal,
        ...(outliving > 0 && { keepalive: true }),
      });
      if (!response.ok) throw problemOf(response, await response.text(), path);
      return await take(response);
    } catch (error) {
      if (error instanceof ProblemError) throw error;
      if (signal?.aborted === true) throw signal.reason;
      const why = isLate ? `no answer within ${timeoutMs} ms` : reasonOf(error);
      throw new ConnectionError(`${this.#address}: ${why}`, { cause: error });
    } finally {
      stopTimer();
      this.#outlivingBytes -= outliving;
      if (outlasting === undefined) signal?.removeEventListener("abort", leave);
    }
  }

  /** @returns the bytes that were taken: all or none */
  #takeRoom(bytes: number): number {
    const taken = bytes <= this.keepaliveRoom ? bytes : 0;
    this.#outlivingBytes += taken;
    return taken;
  }
}

const encoder = new TextEncoder();

/** The length of a body as it is sent. */
export function byteLength(body: string | Uint8Array = ""): number {
  return typeof body === "string" ? encoder.encode(body).length : body.length;
}

function problemOf(response: Response, text: string, instance: string): ProblemError {
  const { status, statusText, headers } = response;
  const wait = retryAfterMs(headers.get("retry-after"), Date.now());
  const isJson = headers.get("content-type")?.includes("json") === true;
  const requestId = headers.get("x-request-id") ?? "";
  const unknown = { type: "about:blank", title: statusText || "No success", instance, requestId };
  const problem = isJson ? problemIn(parsedOr(text)) : {};
  return new ProblemError({ ...unknown, ...problem, status }, wait);
}

const texts: readonly string[] = ["type", "title", "detail", "instance", "requestId"];

/** The members of a problem that a body has: JSON of a proxy may have others under their names. */
function problemIn(body: unknown): Partial<ProblemBody> {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return {};
  const members = Object.entries(body).flatMap(([name, value]: [string, unknown]) => {
    if (name === "errors") return Array.isArray(value) ? [[name, value.filter(isFinding)]] : [];
    return texts.includes(name) && typeof value !== "string" ? [] : [[name, value]];
  });
  return Object.fromEntries(members) as Partial<ProblemBody>;
}

function isFinding(value: unknown): value is Finding {
  const { pointer, message } = (value ?? {}) as Partial<Finding>;
  return typeof pointer === "string" && typeof message === "string";
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new Error("the answer is not JSON", { cause: error });
  }
}

function parsedOr(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** Node puts the reason into the cause: `fetch failed` alone says nothing. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as {
    message?: string;
    cause?: { code?: string; message?: string };
  };
  return cause?.code ?? cause?.message ?? message ?? String(error);
}
