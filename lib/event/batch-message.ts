import type { AcceptedEvent, BatchId, BatchMessage, ProjectId } from "./event.ts";

const comma = Buffer.from(",");
const end = Buffer.from("]}");

/**
 * The bytes of a batch message, from its events' JSON in UTF-8; one piece may hold several, joined
 * by commas.
 */
export function encodeBatch(
  batch: BatchId,
  project: ProjectId,
  pieces: readonly Uint8Array[],
): Buffer {
  const head = `{"batch":${JSON.stringify(batch)},"project":${JSON.stringify(project)},"events":[`;
  const parts: Uint8Array[] = [Buffer.from(head)];
  for (const piece of pieces) parts.push(piece, comma);
  // In the place of the last comma.
  if (pieces.length > 0) parts.pop();
  parts.push(end);
  return Buffer.concat(parts);
}

/**
 * One event of a batch as a message of its own: a new batch, since the old one's deltas are written
 * without it.
 */
export function aloneInBatch(event: AcceptedEvent, project: ProjectId, batch: BatchId): Buffer {
  return encodeBatch(batch, project, [Buffer.from(JSON.stringify(event))]);
}

/**
 * How the message of every error of `decodeBatch` begins: between threads an error keeps little
 * more than its message.
 */
const malformed = "The message is not a batch: ";

/**
 * The version of messages that this code writes and reads; a message without `v` is of version 1.
 */
const messageVersion = 1;

/**
 * Read a message of the durable queue. Checks the envelope, not the events.
 * @throws Error that never repeats what the message holds: one for which `isMalformedBatch` is
 * true, or one that is worth a retry where a newer version wrote the message
 */
export function decodeBatch(body: Uint8Array): BatchMessage {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString();
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    throw new Error(`${malformed}it is no JSON`);
  }
  const { v = messageVersion } = (message ?? {}) as { readonly v?: number };
  if (typeof v === "number" && v > messageVersion) {
    throw new Error(
      "The message is of a newer version than this process: it waits for one that reads it",
    );
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
