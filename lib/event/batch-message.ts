import type { AcceptedEvent, BatchId, BatchMessage, ProjectId } from "./event.ts";

const comma = Buffer.from(",");
const end = Buffer.from("]}");
const eventsKey = ',"events":[';
/** The most bytes of a story. */
const maxStoryBytes = 4_096;

/**
 * What a message says about the requests that it carries. No outcome depends on it; a message may
 * lack any part of it.
 */
export interface BatchStory {
  /** The ids of some of the requests, at most `maxNamedRequests`. */
  readonly requestIds?: readonly string[];
  /** The span that published the message: a traceparent of W3C Trace Context. */
  readonly traceparent?: string | undefined;
}

/** The part of a message before its events. */
interface BatchHead extends BatchStory {
  readonly project?: string;
  readonly released?: boolean;
}

/**
 * The most requests that a message names: enough to find it by, and few bytes beside the events.
 */
export const maxNamedRequests = 10;

/**
 * Encodes a batch message from its events' JSON in UTF-8; one piece may hold several events, joined
 * by commas. The events come last, so that the rest can be read without them.
 */
export function encodeBatch(
  batch: BatchId,
  project: ProjectId,
  pieces: readonly Uint8Array[],
  { requestIds = [], traceparent, released }: BatchStory & Pick<BatchMessage, "released"> = {},
): Buffer {
  const story = { ...(requestIds.length > 0 && { requestIds }), traceparent };
  const head = JSON.stringify({ batch, project, released, ...story }).slice(0, -1);
  const parts: Uint8Array[] = [Buffer.from(`${head}${eventsKey}`)];
  for (const piece of pieces) parts.push(piece, comma);
  // The end of the message replaces the last comma.
  if (pieces.length > 0) parts.pop();
  parts.push(end);
  return Buffer.concat(parts);
}

/** Encodes an event that leaves quarantine as a message of its own. */
export function releasedAlone(event: AcceptedEvent, project: ProjectId, batch: BatchId): Buffer {
  return encodeBatch(batch, project, [Buffer.from(JSON.stringify(event))], { released: true });
}

/** Encodes a batch again with some of its events only; the rest of the message stays. */
export function batchWith(
  body: Uint8Array,
  { batch, project, released }: BatchMessage,
  events: readonly AcceptedEvent[],
): Buffer {
  const pieces = events.map((event) => Buffer.from(JSON.stringify(event)));
  return encodeBatch(batch, project, pieces, { ...storyOf(body), ...(released && { released }) });
}

/** The head of a message, read without its events; empty where it has none that can be read. */
function headOf(body: Uint8Array): BatchHead {
  const head = Buffer.from(body.buffer, body.byteOffset, Math.min(body.byteLength, maxStoryBytes));
  const until = head.indexOf(eventsKey);
  if (until < 0) return {};
  try {
    return JSON.parse(`${head.toString("utf8", 0, until)}}`) as BatchHead;
  } catch {
    return {};
  }
}

/** The story of a message; empty where there is none, as in messages of older versions. */
export function storyOf(body: Uint8Array): BatchStory {
  const { requestIds, traceparent } = headOf(body);
  return { requestIds, traceparent };
}

/** The requests that a message carries, for a log line about it. */
export function requestIdsOf(body: Uint8Array): Pick<BatchStory, "requestIds"> {
  const { requestIds } = storyOf(body);
  return requestIds === undefined ? {} : { requestIds };
}

/**
 * The beginning of every error message of `decodeBatch`: between threads an error keeps little more
 * than its message.
 */
const malformed = "The message is not a batch: ";

/**
 * The version of messages that this code writes and reads; a message without `v` is of version 1.
 */
const messageVersion = 1;

/**
 * Reads a message of the durable queue. Checks the envelope, not the events.
 * @throws Error that never repeats the message's content: either one for which `isMalformedBatch`
 *   is true, or one that is worth a retry, where a newer version wrote the message
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

/**
 * The project of a message; `undefined` where it is no batch. The events themselves are not read.
 */
export function projectOfBatch(body: Uint8Array): string | undefined {
  const { project } = headOf(body);
  return isName(project) ? project : undefined;
}

/** Whether an error, perhaps of another thread, says that no retry can help. */
export function isMalformedBatch(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith(malformed);
}

function isBatch(value: unknown): value is BatchMessage {
  const { batch, project, events } = (value ?? {}) as Partial<BatchMessage>;
  return isName(batch) && isName(project) && Array.isArray(events);
}

/**
 * One event of a batch, checked for what enrichment and counting rely on. A message from the queue
 * has a checked envelope only, and one bad event must be found without the others.
 * @throws Error that names the position and the fault, and nothing of the content
 */
export function acceptedAt(message: BatchMessage, index: number): AcceptedEvent {
  const event: unknown = message.events[index];
  const fault = faultOf(event);
  if (fault !== undefined) throw new Error(`event ${index} of the batch ${fault}`);
  return event as AcceptedEvent;
}

function faultOf(event: unknown): string | undefined {
  if (!isRecord(event)) return "is no object";
  const unnamed = ["id", "type", "source"].find((field) => !isName(event[field]));
  if (unnamed !== undefined) return `has no ${unnamed}`;
  const undated = ["timestamp", "receivedAt"].find((field) => !Number.isFinite(event[field]));
  if (undated !== undefined) return `has no ${undated} in milliseconds`;
  const { metadata } = event;
  return metadata === undefined || isRecord(metadata)
    ? undefined
    : "has metadata that is no object";
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isName(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

const version7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7/;

/**
 * The instant at which a batch was made, from its id, a UUID of version 7; `Infinity` for any other
 * id.
 */
export function madeAt(batch: BatchId): number {
  if (!version7.test(batch)) return Infinity;
  return parseInt(batch.slice(0, 8) + batch.slice(9, 13), 16);
}
