import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { maxBatchBytes } from "../event/limits.ts";
import { awaitsContinue } from "./server.ts";

interface EarlyAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * How many bytes of an unwanted body are still received, and for how long, so that the client can
 * read the answer.
 */
export interface Patience {
  readonly sizeBytes: number;
  readonly timeoutMs: number;
}

/** No body of a request that can be right is larger. */
const patience: Patience = { sizeBytes: maxBatchBytes, timeoutMs: 2_000 };

/**
 * Answers a request whose body may not have been read to its end. A server that closes while the
 * client still sends resets the connection, and the client loses the answer. So the whole answer
 * goes out with `Connection: close`; further bytes are then received and dropped within bounds;
 * only then the connection is closed. It stays open where few or no bytes are left to come, but not
 * after a 408, whose client is too slow to wait for. Does nothing where an answer was begun before.
 * Resolves when the response is ended; never rejects.
 */
export async function answerEarly(
  request: IncomingMessage,
  response: ServerResponse,
  { status, headers, body }: EarlyAnswer,
  { sizeBytes, timeoutMs }: Patience = patience,
): Promise<void> {
  if (response.destroyed || response.headersSent) return;
  const payload = Buffer.from(body);
  const unread = awaitsContinue(request);
  const brief = !unread && (request.complete || (status !== 408 && isBrief(request)));
  response.writeHead(status, {
    ...headers,
    "content-length": String(payload.length),
    ...(!brief && { connection: "close" }),
  });
  if (brief) {
    request.resume();
    response.end(payload);
    return;
  }
  if (unread) {
    // No bytes will come: the client waits for 100 Continue, and takes this answer as a refusal.
    response.end(payload);
    return;
  }
  response.write(payload);
  await drain(request, { sizeBytes, timeoutMs });
  response.end();
}

/** Whether few bytes are known to be left: Node then drops them by itself. */
function isBrief(request: IncomingMessage): boolean {
  const declared = request.headers["content-length"];
  if (declared === undefined) return request.headers["transfer-encoding"] === undefined;
  return Number(declared) <= 65_536;
}

/** Receives and drops bytes until the request ends, the client leaves, or a bound is reached. */
function drain(request: IncomingMessage, { sizeBytes, timeoutMs }: Patience): Promise<void> {
  if (request.readableEnded || request.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    let left = sizeBytes;
    const timer = setTimeout(stop, timeoutMs);
    function take(chunk: Buffer): void {
      left -= chunk.length;
      if (left < 0) stop();
    }
    function stop(): void {
      clearTimeout(timer);
      request.off("data", take).off("end", stop).off("close", stop).off("error", stop);
      request.on("error", ignore).pause();
      resolve();
    }
    request.on("data", take).on("end", stop).on("close", stop).on("error", stop).resume();
  });
}

function ignore(): void {
  // The connection broke after the answer, so nobody can be told.
}

/**
 * Sends the body of an answer whose head is set, page by page: the next page is fetched only when
 * the client has taken the last one, and none any more once it left. A page that fails resets the
 * connection, since a mere end could pass for the end of the body (HTTP/1.0, and proxies that speak
 * it). Resolves when all is sent or the client left; rejects with the page's error.
 */
export async function sendPages(
  request: IncomingMessage,
  response: ServerResponse,
  pages: AsyncIterable<string>,
): Promise<void> {
  let failure: { readonly error: unknown } | undefined;
  const source = pages[Symbol.asyncIterator]();
  async function next(): Promise<IteratorResult<string, unknown>> {
    try {
      return await source.next();
    } catch (error) {
      failure = { error };
      request.socket.resetAndDestroy();
      throw error;
    }
  }
  async function* watched(): AsyncGenerator<string, void> {
    try {
      for (let page = await next(); page.done !== true; page = await next()) yield page.value;
    } finally {
      await source.return?.();
    }
  }
  // One page is fetched while the page before is sent.
  const body = Readable.from(watched(), { objectMode: true, highWaterMark: 1 });
  await pipeline(body, response).catch(() => {
    // Any other early end means that the client left.
    if (failure !== undefined) throw failure.error;
  });
}

/**
 * Disconnects a client that reads nothing for this long while bytes wait for it. While the answer
 * is still being made it may wait.
 */
export function cutWhenSlow(response: ServerResponse, takeWithinMs: number): void {
  const look = () => {
    if (response.writableLength > 0) response.destroy();
    else response.setTimeout(takeWithinMs);
  };
  response.setTimeout(takeWithinMs, look);
}
