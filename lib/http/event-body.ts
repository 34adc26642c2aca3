import type { Finding } from "../errors.ts";
import type { ItemError } from "../event/admit.ts";
import {
  isBinaryCloudEvent,
  readBinaryCloudEvent,
  readCloudEvent,
  type CloudEventReading,
  type Headers,
} from "../event/cloud-event.ts";
import { maxNesting } from "../event/limits.ts";
import { findNotPlain, isPlainJson } from "../event/plain-json.ts";
import { jsonOf } from "./body.ts";
import { requireMediaType } from "./media-type.ts";

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
export function readCloudItem(value: unknown): ItemReading {
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
