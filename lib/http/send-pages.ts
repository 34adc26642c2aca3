import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

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
