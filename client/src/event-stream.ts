import { AnalyticsError, ConnectionError, ProblemError } from "./errors.ts";
import type { Http } from "./http.ts";
import { delay, isPassing, pauseMs, StayingAlive } from "./waiting.ts";

/** One message of a stream of Server-Sent Events. */
export interface Message {
  /** `message` where the stream names none. */
  readonly event: string;
  readonly data: string;
  /** The last id of the stream so far; empty where it gave none. */
  readonly id: string;
}

/**
 * Reads a stream of Server-Sent Events (HTML, 9.2.6), in pieces of any size: the messages do not
 * depend on how the text is cut.
 */
export class EventStreamReader {
  #rest = "";
  #isFirst = true;
  #event = "";
  #data: string[] = [];
  #nextId: string;
  #id: string;
  /** The wait before reconnecting that the stream asks for. */
  retryMs: number | undefined;

  constructor(lastEventId = "") {
    this.#nextId = lastEventId;
    this.#id = lastEventId;
  }

  /** The id of the last block that ended, even of one without data. */
  get lastEventId(): string {
    return this.#id;
  }

  /** The messages that end within this piece. */
  read(piece: string): readonly Message[] {
    this.#rest += piece;
    if (this.#isFirst && this.#rest !== "") {
      this.#rest = this.#rest.replace(/^\ufeff/, "");
      this.#isFirst = false;
    }
    const messages: Message[] = [];
    // A carriage return at the end may be the first half of a line's end.
    const ends = /\r\n|\n|\r(?!$)/g;
    let from = 0;
    for (let end = ends.exec(this.#rest); end !== null; end = ends.exec(this.#rest)) {
      const message = this.#line(this.#rest.slice(from, end.index));
      if (message !== undefined) messages.push(message);
      from = ends.lastIndex;
    }
    this.#rest = this.#rest.slice(from);
    return messages;
  }

  #line(line: string): Message | undefined {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    if (colon === 0) return undefined;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.#event = value;
    else if (field === "data") this.#data.push(value);
    else if (field === "id" && !value.includes("\0")) this.#nextId = value;
    else if (field === "retry" && /^\d{1,9}$/.test(value)) this.retryMs = Number(value);
    return undefined;
  }

  #dispatch(): Message | undefined {
    this.#id = this.#nextId;
    const message = { event: this.#event || "message", data: this.#data.join("\n"), id: this.#id };
    const isEmpty = this.#data.length === 0;
    this.#event = "";
    this.#data = [];
    return isEmpty ? undefined : message;
  }
}

export interface ListenOptions {
  readonly signal?: AbortSignal;
  /** The place to continue from: the `id` of the last seen message. */
  readonly lastEventId?: string;
  /**
   * A connection that is silent for this long counts as dead; by default 45 s, three heartbeats.
   */
  readonly silenceMs?: number;
  /** Called for each lost connection that will be replaced. */
  readonly onReconnect?: (error: AnalyticsError | undefined, waitMs: number) => void;
}

/**
 * The messages of a stream, for as long as the caller iterates. It reconnects where the connection
 * is lost or the service ends it (`event: end`), behind the last place that it got. It ends where
 * the service says that nothing follows (204). It reads no further ahead of the caller than the
 * connection buffers.
 * @throws ProblemError where the service refuses; the signal's reason where it is aborted
 */
export async function* listen(
  http: Http,
  path: string,
  { signal, lastEventId = "", silenceMs = 45_000, onReconnect }: ListenOptions = {},
): AsyncGenerator<Message, void> {
  const alive = new StayingAlive();
  const place: Place = { id: lastEventId, retryMs: 1_000 };
  for (let attempt = 1; ; attempt++) {
    let failure: AnalyticsError | undefined;
    let retryMs: number | undefined;
    try {
      for await (const message of connect(http, path, place, { signal, silenceMs })) {
        attempt = 0;
        if (message === "gone") return;
        if (message.event !== "end") yield message;
        else retryMs = waitOf(message.data);
      }
    } catch (error) {
      if (signal?.aborted === true) throw signal.reason;
      if (!isPassing(error)) throw error;
      failure = error;
      if (error instanceof ProblemError) retryMs = error.retryAfterMs;
    }
    const patience = { firstMs: place.retryMs, mostMs: Math.max(place.retryMs, 30_000) };
    const waitMs = pauseMs(Math.max(1, attempt), retryMs, Math.random(), patience);
    onReconnect?.(failure, waitMs);
    await alive.while(() => delay(waitMs, signal));
  }
}

/** The place to continue from, and the wait before it. */
interface Place {
  id: string;
  retryMs: number;
}

/** The messages of one connection, which is closed when the caller leaves. Updates the place. */
async function* connect(
  http: Http,
  path: string,
  place: Place,
  { signal, silenceMs }: { readonly signal: AbortSignal | undefined; readonly silenceMs: number },
): AsyncGenerator<Message | "gone", void> {
  const stop = new AbortController();
  const leave = () => stop.abort(signal?.reason);
  signal?.addEventListener("abort", leave, { once: true });
  try {
    const response = await http.open({
      path,
      headers: {
        Accept: "text/event-stream",
        ...(place.id !== "" && { "Last-Event-ID": place.id }),
      },
      signal: stop.signal,
    });
    if (response.status === 204 || response.body === null) {
      yield "gone";
      return;
    }
    const reader = new EventStreamReader(place.id);
    for await (const piece of piecesOf(response.body, silenceMs, stop.signal)) {
      for (const message of reader.read(piece)) {
        place.id = message.id;
        yield message;
      }
      place.id = reader.lastEventId;
      place.retryMs = reader.retryMs ?? place.retryMs;
    }
  } finally {
    signal?.removeEventListener("abort", leave);
    stop.abort();
  }
}

/** The wait that the service's last message asks for. */
function waitOf(data: string): number | undefined {
  try {
    const { retryMs } = JSON.parse(data) as { readonly retryMs?: unknown };
    return typeof retryMs === "number" && retryMs >= 0 ? retryMs : undefined;
  } catch {
    return undefined;
  }
}

/** @throws ConnectionError where the connection is lost, or brings nothing for too long */
async function* piecesOf(
  body: ReadableStream<Uint8Array>,
  silenceMs: number,
  signal: AbortSignal,
): AsyncGenerator<string, void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  try {
    for (;;) {
      const { done, value } = await within(silenceMs, reader.read(), signal);
      if (done) return;
      yield decoder.decode(value, { stream: true });
    }
  } catch (error) {
    if (error instanceof AnalyticsError) throw error;
    throw new ConnectionError("the stream was cut", { cause: error });
  } finally {
    // Ends the connection, where it is still open.
    void reader.cancel().catch(() => undefined);
  }
}

/** Ends the wait even where a `fetch` of the caller ignores the signal. */
async function within<T>(ms: number, work: Promise<T>, signal: AbortSignal): Promise<T> {
  const waiting = new AbortController();
  const silence = delay(ms, waiting.signal).then(() => {
    throw new ConnectionError(`nothing came for ${ms} ms`);
  });
  const stop = () => waiting.abort(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  // The later one of the two does not matter.
  silence.catch(() => undefined);
  try {
    return await Promise.race([work, silence]);
  } finally {
    signal.removeEventListener("abort", stop);
    waiting.abort();
  }
}
