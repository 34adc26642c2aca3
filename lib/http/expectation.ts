import type { IncomingMessage, ServerResponse } from "node:http";

/**
 * Requests whose client waits for `100 Continue` before it sends the body (`Expect: 100-continue`),
 * with the response that can send it.
 */
const waiting = new WeakMap<IncomingMessage, ServerResponse>();

/** Notes that the client sends its body only after `100 Continue`. */
export function expectContinue(request: IncomingMessage, response: ServerResponse): void {
  waiting.set(request, response);
}

/** Sends `100 Continue` where the client waits for it. */
export function askForBody(request: IncomingMessage): void {
  if (request.headers.expect === undefined) return;
  waiting.get(request)?.writeContinue();
  waiting.delete(request);
}

/**
 * Whether the client still waits for `100 Continue`: its body may never come, so the connection
 * cannot be used again.
 */
export function awaitsContinue(request: IncomingMessage): boolean {
  return waiting.has(request);
}
