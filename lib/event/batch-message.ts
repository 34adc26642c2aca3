import type { AcceptedEvent, BatchId, BatchMessage, ProjectId } from "./event.ts";

/** The bytes of a batch message, from its events' JSON texts. */
export function encodeBatch(batch: BatchId, project: ProjectId, events: readonly string[]): Buffer {
  const head = `{"batch":${JSON.stringify(batch)},"project":${JSON.stringify(project)},"events":[`;
  return Buffer.from(`${head}${events.join(",")}]}`);
}

/** One event of a batch as a message of its own: a new batch, since the old one's deltas are written without it. */
export function aloneInBatch(event: AcceptedEvent, project: ProjectId, batch: BatchId): Buffer {
  return encodeBatch(batch, project, [JSON.stringify(event)]);
}

/** How the message of every error of `decodeBatch` begins: between threads an error keeps little more than its message. */
const malformed = "The message is not a batch: ";

/**
 * Read a message of the durable queue. Checks the envelope, not the events.
 * @throws Error for which `isMalformedBatch` is true; it never repeats what the message holds
 */
export function decodeBatch(body: Uint8Array): BatchMessage {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString();
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    throw new Error(`${malformed}it is no JSON`);
  }
  if (isBatch(message)) return message;
  throw new Error(`${malformed}it has no batch, project and events`);
}

/** Whether no retry can help; also of an error from another thread. */
export function isMalformedBatch(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith(malformed);
}

function isBatch(value: unknown): value is BatchMessage {
  const { batch, project, events } = (value ?? {}) as Partial<BatchMessage>;
  return isName(batch) && isName(project) && Array.isArray(events);
}

function isName(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}
