import {
  authorization,
  caller,
  dropKey,
  hasKey,
  keyNeeded,
  keyNumber,
  type Caller,
} from "./key.ts";

/** A call of the API: what is sent, and what `curl` shows. */
export interface Call {
  readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** The path with its parameters. */
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Finding {
  readonly pointer: string;
  readonly code: string;
  readonly message: string;
}

/** Why there is no answer: an API's problem (RFC 9457), or the network. */
export class Problem extends Error {
  /** The answer's status; 0 for a failure of the network. */
  readonly status: number;
  readonly type: string;
  readonly detail: string;
  readonly findings: readonly Finding[];
  readonly requestId: string;
  readonly retryAfterMs: number | undefined;
  /** The scope that the key lacks, if that is the reason. */
  readonly scope: string | undefined;

  constructor(status: number, body: Readonly<Record<string, unknown>>, headers?: Headers) {
    super(textOf(body["title"]) || (status === 0 ? "Connection lost" : `No success (${status})`));
    this.status = status;
    this.type = textOf(body["type"]);
    this.detail = textOf(body["detail"]);
    this.findings = Array.isArray(body["errors"]) ? body["errors"].filter(isFinding) : [];
    this.requestId = headers?.get("X-Request-Id") ?? textOf(body["requestId"]);
    const seconds = Number(headers?.get("Retry-After") ?? NaN);
    this.retryAfterMs = Number.isFinite(seconds) ? seconds * 1_000 : undefined;
    this.scope = /\b(events:read|events:write|live:read|admin)\b/.exec(this.detail)?.[0];
  }
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** JSON of a proxy may have other things under this name. */
function isFinding(value: unknown): value is Finding {
  const { pointer, message } = (value ?? {}) as Partial<Finding>;
  return typeof pointer === "string" && typeof message === "string";
}

/**
 * Sends a call and reads the answer.
 * @throws Problem, and AbortError where the signal says so
 */
export async function ask<Answer>(call: Call, signal?: AbortSignal): Promise<Answer> {
  const response = await send(call, signal);
  if (response.status === 204 || response.status === 304) return undefined as Answer;
  return (await readJson(response)) as Answer;
}

/**
 * Reads what the caller may do.
 * @returns whether that is known now: not where the key was changed meanwhile
 * @throws Problem, also where there is no valid key
 */
export async function learnCaller(): Promise<boolean> {
  const key = keyNumber.peek();
  const learnt = await ask<Caller>({ path: "/api/v1/keys/self" });
  if (key !== keyNumber.peek()) return false;
  caller.value = learnt;
  return true;
}

/** Sends a call and reads the answer with its headers. */
export async function askWithHeaders<Answer>(
  call: Call,
  signal?: AbortSignal,
): Promise<{ readonly answer: Answer; readonly headers: Headers }> {
  const response = await send(call, signal);
  return { answer: (await readJson(response)) as Answer, headers: response.headers };
}

async function send(
  { method, path, body, headers }: Call,
  signal?: AbortSignal,
): Promise<Response> {
  const key = keyNumber.peek();
  const response = await reach(path, {
    method: method ?? (body === undefined ? "GET" : "POST"),
    headers: {
      ...(body !== undefined && { "Content-Type": "application/json" }),
      ...headers,
      ...authorization(),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    ...(signal !== undefined && { signal }),
  });
  if (response.ok || isHealthOfDown(path, response)) return response;
  const problem = await readJson(response).catch(() => ({}));
  // A late refusal of the key before says nothing of this one.
  const isOfThisKey = key === keyNumber.peek();
  throw refused(response.status, problem, response.headers, isOfThisKey);
}

/** Whether it is the health of a service that is down, which is an answer, and no refusal of a proxy. */
function isHealthOfDown(path: string, { status, headers }: Response): boolean {
  const type = headers.get("Content-Type") ?? "";
  return path === "/health" && status === 503 && type.startsWith("application/json");
}

/** @throws Problem of the network, AbortError */
async function reach(path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(path, { ...init, credentials: "omit", redirect: "error" });
  } catch (error) {
    if (init.signal?.aborted === true) throw error;
    throw new Problem(0, { title: "Connection lost" });
  }
}

function refused(status: number, body: unknown, headers: Headers, isOfThisKey: boolean): Problem {
  const problem = new Problem(status, (body ?? {}) as Record<string, unknown>, headers);
  if (status === 401 && isOfThisKey) {
    const had = hasKey.value;
    dropKey();
    keyNeeded.value = had ? "This key is not known here." : "The service asks for a key.";
  }
  return problem;
}

/** @throws Problem where the answer is cut or is no JSON, AbortError */
async function readJson(response: Response): Promise<unknown> {
  const text = await response.text().catch((error: unknown) => {
    if (error instanceof DOMException) throw error;
    throw new Problem(0, {});
  });
  try {
    return text === "" ? {} : (JSON.parse(text) as unknown);
  } catch {
    throw new Problem(502, { title: "The answer is no JSON" });
  }
}

export interface Frame {
  readonly event: string;
  readonly data: string;
}

/**
 * Reads Server-Sent Events until the answer ends. It uses `fetch`, since EventSource sends no key.
 * @param lastId the place to continue from; `placed` gets each new place
 * @param silentMs a stream that is silent for this long is given up
 * @throws Problem where the answer is no stream or the connection is cut; resolves when the service
 *   ended it
 */
export async function readStream(
  path: string,
  signal: AbortSignal,
  lastId: string | undefined,
  listeners: {
    readonly opened: () => void;
    readonly frame: (frame: Frame) => void;
    readonly placed: (id: string) => void;
  },
  silentMs: number,
): Promise<void> {
  const response = await send(
    {
      path,
      headers: {
        Accept: "text/event-stream",
        ...(lastId !== undefined && { "Last-Event-ID": lastId }),
      },
    },
    signal,
  );
  listeners.opened();
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let pending = "";
  for (;;) {
    const silence = setTimeout(() => void reader.cancel(), silentMs);
    const { done, value } = await reader.read().catch((error: unknown) => {
      if (signal.aborted) throw error;
      throw new Problem(0, {});
    });
    clearTimeout(silence);
    if (done) return;
    pending += value.replaceAll("\r", "");
    let end = pending.indexOf("\n\n");
    while (end >= 0) {
      readBlock(pending.slice(0, end), listeners);
      pending = pending.slice(end + 2);
      end = pending.indexOf("\n\n");
    }
  }
}

function readBlock(
  block: string,
  listeners: { readonly frame: (frame: Frame) => void; readonly placed: (id: string) => void },
): void {
  let event = "message";
  const data: string[] = [];
  for (const line of block.split("\n")) {
    const [, field = "", value = ""] = /^([^:]*)(?:: ?(.*))?$/.exec(line) ?? [];
    if (field === "id") listeners.placed(value);
    if (field === "event") event = value;
    if (field === "data") data.push(value);
  }
  if (data.length > 0) listeners.frame({ event, data: data.join("\n") });
}

/** A call as a line for a shell. The key is a variable: its own text is never shown. */
export function curlOf({ method, path, body, headers }: Call): string {
  const parts = ["curl -s", quoted(location.origin + path)];
  const named = method ?? (body === undefined ? "GET" : "POST");
  if (named !== "GET" && !(named === "POST" && body !== undefined)) parts.push(`-X ${named}`);
  if (hasKey.value) parts.push('-H "Authorization: Bearer $MAILY_KEY"');
  for (const [name, value] of Object.entries(headers ?? {}))
    parts.push(`-H ${quoted(`${name}: ${value}`)}`);
  if (body !== undefined) {
    parts.push("-H 'Content-Type: application/json'", `-d ${quoted(JSON.stringify(body))}`);
  }
  return parts.join(" \\\n  ");
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** An address with its parameters, each percent-encoded. */
export function withParameters(
  path: string,
  parameters: readonly (readonly [string, string | number])[],
): string {
  const search = parameters
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .join("&");
  return search === "" ? path : `${path}?${search}`;
}
