import type { IncomingMessage, ServerResponse } from "node:http";

/**
 * Requests whose client waits to be told to go on (`Expect: 100-continue`), with the response that
 * tells it.
 */
const waiting = new WeakMap<IncomingMessage, ServerResponse>();

/** The client sends its body only once it is asked to. */
export function expectContinue(request: IncomingMessage, response: ServerResponse): void {
  waiting.set(request, response);
}

/** Ask for the body, where the client waits to be asked. */
export function askForBody(request: IncomingMessage): void {
  if (request.headers.expect === undefined) return;
  waiting.get(request)?.writeContinue();
  waiting.delete(request);
}

/**
 * Whether the body was not asked for: then it may never come, and its beginning cannot be found.
 */
export function awaitsContinue(request: IncomingMessage): boolean {
  return waiting.has(request);
}
