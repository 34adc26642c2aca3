import { type Finding, ServiceError } from "../errors.ts";
import type { ItemError, ItemResult } from "../event/admit.ts";
import {
  isBinaryCloudEvent,
  readBinaryCloudEvent,
  readCloudEvent,
  type CloudEventReading,
  type Headers,
} from "../event/cloud-event.ts";
import { maxNesting, maxFindings } from "../event/limits.ts";
import { findNotPlain, isPlainJson, pointerTo, parseJson } from "../event/plain-json.ts";
import { jsonOf, tooLarge, syntaxError, textOf } from "./body.ts";
import { requireMediaType } from "./headers.ts";

/**
 * What a body held in the place of one event. An input must still be admitted, but it is safe to
 * send on: it is nested no deeper than an event may be, and JSON carries it unchanged.
 */
export type ItemReading =
  | { readonly status: "read"; readonly input: unknown }
  | { readonly status: "rejected"; readonly error: ItemError };

const eventMediaTypes = ["application/json", "application/cloudevents+json"] as const;

/**
 * Read a body that holds one event: JSON, or a CloudEvent in structured or binary mode.
 * @param bytes the body, as `readBody` gives it
 * @throws ServiceError `UNSUPPORTED_MEDIA_TYPE`, or `MALFORMED` where the body is no JSON
 */
export function readEvent(bytes: Buffer, headers: Headers): ItemReading {
  const contentType = headers["content-type"] as string | undefined;
  // A structured event may repeat its attributes in headers.
  if (isBinaryCloudEvent(headers) && !/^\s*application\/cloudevents/i.test(contentType ?? "")) {
    return safe(readBinaryCloudEvent(headers, bytes));
  }
  const type = requireMediaType(contentType, eventMediaTypes);
  const value = jsonOf(bytes);
  return type === "application/json"
    ? safe({ status: "read", input: value })
    : readCloudItem(value);
}

/** Reads one item of parsed JSON. */
export function readItem(input: unknown): ItemReading {
  return safe({ status: "read", input });
}

/** Reads one parsed CloudEvent in structured mode. */
function readCloudItem(value: unknown): ItemReading {
  return safe(readCloudEvent(value));
}

function safe(
  reading: CloudEventReading | { readonly status: "read"; readonly input: unknown },
): ItemReading {
  if (reading.status === "rejected") return refused(reading.errors);
  if (isPlainJson(reading.input, maxNesting + 1)) return reading;
  const findings: Finding[] = [];
  findNotPlain(reading.input, maxNesting + 1, "", findings);
  return refused(findings);
}

function refused(errors: readonly Finding[]): ItemReading {
  return { status: "rejected", error: { type: "/problems/invalid-event", errors } };
}

/**
 * A batch that was read: its inputs for admission, and its unreadable items. `index` is the place
 * in the body.
 */
export interface BatchBody {
  /** The inputs in order. JSON carries each one unchanged, and none is nested too deep. */
  readonly inputs: readonly unknown[];
  /** Ascending. */
  readonly rejected: readonly RejectedItem[];
}

export type RejectedItem = Extract<ItemResult, { readonly status: "rejected" }>;

const batchMediaTypes = [
  "application/json",
  "application/x-ndjson",
  "application/ndjson",
  "application/jsonl",
  "application/cloudevents-batch+json",
] as const;

/**
 * Read a body that holds many events: `{"events":[...]}`, a bare array, one event a line (NDJSON;
 * blank lines do not count, a bad line costs only itself), or a batch of CloudEvents.
 * @param bytes the body, as `readBody` gives it
 * @throws ServiceError `UNSUPPORTED_MEDIA_TYPE`; `MALFORMED` where it cannot be read as a whole or
 * holds no event; `VALIDATION` where an object has other properties than `events`; `TOO_LARGE` with
 * a finding `events`
 */
export function readBatch(
  bytes: Buffer,
  contentType: string | undefined,
  maxEvents: number,
): BatchBody {
  const type = requireMediaType(contentType, batchMediaTypes);
  if (type === "application/json") {
    return sorted(bounded(listOf(jsonOf(bytes)), maxEvents), readItem);
  }
  if (type === "application/cloudevents-batch+json") {
    return sorted(bounded(arrayOf(jsonOf(bytes)), maxEvents), readCloudItem);
  }
  return sorted(linesOf(textOf(bytes), maxEvents), readLine);
}

/**
 * Puts the results of a batch in the order of the body: those of admission, and those of items that
 * were rejected before.
 */
export function inBodyOrder(
  admitted: readonly ItemResult[],
  rejected: readonly RejectedItem[],
): readonly ItemResult[] {
  if (rejected.length === 0) return admitted;
  const results: ItemResult[] = [];
  let next = 0;
  for (let index = 0; index < admitted.length + rejected.length; index++) {
    const early = rejected[index - next];
    const late = admitted[next];
    if (early?.index === index || late === undefined) results.push(early as ItemResult);
    else {
      results.push({ ...late, index });
      next++;
    }
  }
  return results;
}

/**
 * The places in the body of admitted items; admission numbers them without the items that were
 * rejected before.
 */
export function inBodyPlaces<T extends { readonly index: number }>(
  admitted: readonly T[],
  rejected: readonly RejectedItem[],
): readonly T[] {
  return admitted.map((item) => {
    let { index } = item;
    for (const early of rejected) if (early.index <= index) index += 1;
    return { ...item, index };
  });
}

function sorted<T>(items: readonly T[], read: (item: T) => ItemReading): BatchBody {
  const inputs: unknown[] = [];
  const rejected: RejectedItem[] = [];
  for (const [index, item] of items.entries()) {
    const reading = read(item);
    if (reading.status === "read") inputs.push(reading.input);
    else rejected.push({ index, status: "rejected", error: reading.error });
  }
  return { inputs, rejected };
}

function listOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  if (typeof value !== "object" || value === null) throw noBatch();
  const { events } = value as { readonly events?: unknown };
  const findings: Finding[] = Object.keys(value)
    .filter((name) => name !== "events")
    .slice(0, maxFindings)
    .map((name) => ({
      pointer: pointerTo("", name),
      code: "unknown_field",
      message: "a batch has events and nothing else",
    }));
  if (!Object.hasOwn(value, "events")) {
    findings.unshift({ pointer: "/events", code: "required", message: "a batch has events" });
  } else if (!Array.isArray(events)) {
    findings.unshift({ pointer: "/events", code: "type", message: "events must be an array" });
  }
  if (findings.length > 0) {
    throw new ServiceError("VALIDATION", 'A batch is {"events":[...]} or an array', {
      errors: findings.slice(0, maxFindings),
    });
  }
  return events as readonly unknown[];
}

function arrayOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw noBatch();
}

function noBatch(): ServiceError {
  return new ServiceError("MALFORMED", "The body is JSON, but not a list of events");
}

function bounded<T>(items: readonly T[], maxEvents: number): readonly T[] {
  if (items.length === 0) throw new ServiceError("MALFORMED", "The batch holds no event");
  if (items.length > maxEvents) throw tooMany(maxEvents);
  return items;
}

function tooMany(maxEvents: number): ServiceError {
  return tooLarge("events", `A batch may have at most ${maxEvents} events`);
}

interface Line {
  readonly text: string;
  /** From 1, blank lines included: what an editor shows. */
  readonly number: number;
}

const lineFeed = 10;

/** The lines that are not blank; reading ends as soon as there are too many. */
function linesOf(text: string, maxEvents: number): readonly Line[] {
  const lines: Line[] = [];
  let number = 1;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === lineFeed) number++;
    if (isBlank(code)) continue;
    if (lines.length === maxEvents) throw tooMany(maxEvents);
    const feed = text.indexOf("\n", at);
    const end = feed < 0 ? text.length : feed;
    lines.push({ text: text.slice(at, end), number });
    number++;
    at = end;
  }
  return lines;
}

/** JSON's white space: tab, line feed, carriage return, space. */
function isBlank(code: number): boolean {
  return code === 9 || code === lineFeed || code === 13 || code === 32;
}

function readLine({ text, number }: Line): ItemReading {
  try {
    return readItem(parseJson(text));
  } catch (error) {
    const message = `line ${number} is not JSON: ${syntaxError(error)}`;
    return {
      status: "rejected",
      error: { type: "/problems/malformed", errors: [{ pointer: "", code: "malformed", message }] },
    };
  }
}
