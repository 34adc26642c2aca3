/**
 * The HTTP form of collecting: what a request asks for, the events in its body, and the answers.
 */

import type { IncomingHttpHeaders } from "node:http";
import { type Finding, ServiceError } from "../errors.ts";
import { sentId, type ItemError, type ItemResult, type SentId } from "../event/admit.ts";
import {
  isBinaryCloudEvent,
  readBinaryCloudEvent,
  readCloudEvent,
  sentCloudEventId,
  type CloudEventReading,
  type EventForm,
  type Headers,
} from "../event/cloud-event.ts";
import { maxNesting, maxFindings } from "../event/limits.ts";
import { findNotPlain, isPlainJson, pointerTo, parseJson } from "../event/plain-json.ts";
import type { EventOutcome, Receipt } from "../event/receipt.ts";
import { jsonOf, requireMediaType, syntaxError, textOf, tooLarge } from "./body.ts";
import { errorOfItem } from "./problem.ts";
import { readQueryString } from "./query-string.ts";

/** Which results of a batch the answer lists. */
type ResultsChoice = "errors" | "all";

const longestWaitSeconds = 30;

/**
 * How long the client wants to wait for the event to be stored: `Prefer: wait=N` (RFC 7240), in
 * milliseconds, at most 30 s; `undefined` where it does not say.
 */
export function waitOf(headers: IncomingHttpHeaders): number | undefined {
  const prefer = headers["prefer"];
  if (prefer === undefined) return undefined;
  const seconds = /(?:^|[,;\s])wait\s*=\s*"?(\d+)"?(?=$|[,;\s])/i.exec(String(prefer))?.[1];
  return seconds === undefined ? undefined : Math.min(Number(seconds), longestWaitSeconds) * 1_000;
}

/**
 * Reads the query string of a collecting request. A single event takes none, a batch takes
 * `results`.
 * @throws ServiceError VALIDATION for any other parameter or value; MALFORMED as `readQueryString`
 *   does
 */
export function readResultsChoice(
  search: string,
  allowed: readonly ResultsChoice[],
): ResultsChoice | undefined {
  if (search === "") return undefined;
  let choice: ResultsChoice | undefined;
  for (const [name, value] of Object.entries(readQueryString(search))) {
    choice = name === "results" ? allowed.find((known) => known === value) : undefined;
    if (choice !== undefined) continue;
    const message =
      allowed.length === 0
        ? "this route takes no parameters"
        : `this route takes results=${allowed.join("|")}`;
    throw new ServiceError("VALIDATION", undefined, {
      errors: [
        { pointer: name, code: name === "results" ? "choice" : "unknown_parameter", message },
      ],
    });
  }
  return choice;
}

/**
 * What a body held in the place of one event. An input must still be admitted, but it is safe to
 * send on: it is nested no deeper than an event may be, and JSON carries it unchanged.
 */
export type ItemReading =
  | { readonly status: "read"; readonly input: unknown }
  | (SentId & { readonly status: "rejected"; readonly error: ItemError });

const eventMediaTypes = ["application/json", "application/cloudevents+json"] as const;

/**
 * The form of a request with one event, as its headers tell.
 * @throws ServiceError `UNSUPPORTED_MEDIA_TYPE`
 */
export function eventFormOf(headers: Headers): EventForm {
  const contentType = headers["content-type"] as string | undefined;
  // A structured event may repeat its attributes in headers.
  if (isBinaryCloudEvent(headers) && !/^\s*application\/cloudevents/i.test(contentType ?? "")) {
    return "binary";
  }
  const type = requireMediaType(contentType, eventMediaTypes);
  return type === "application/json" ? "json" : "structured";
}

/**
 * Reads a body that holds one event: JSON, or a CloudEvent in structured or binary mode.
 * @param bytes the body, as `readBody` gives it
 * @param form the request's, by `eventFormOf`
 * @throws ServiceError `MALFORMED` where the body is no JSON
 */
export function readEvent(bytes: Buffer, headers: Headers, form: EventForm): ItemReading {
  if (form === "binary") return safe(readBinaryCloudEvent(headers, bytes));
  const value = jsonOf(bytes);
  return form === "json" ? safe({ status: "read", input: value }) : readCloudItem(value);
}

/** Reads one item of parsed JSON. */
export function readItem(input: unknown): ItemReading {
  return safe({ status: "read", input }, () => sentId(input));
}

/** Reads one parsed CloudEvent in structured mode. */
function readCloudItem(value: unknown): ItemReading {
  return safe(readCloudEvent(value), () => sentCloudEventId(value));
}

/** @param idOf names the item where it is rejected */
function safe(
  reading: CloudEventReading | { readonly status: "read"; readonly input: unknown },
  idOf: () => SentId = () => ({}),
): ItemReading {
  if (reading.status === "rejected") return refused(reading.errors, idOf());
  if (isPlainJson(reading.input, maxNesting + 1)) return reading;
  const findings: Finding[] = [];
  findNotPlain(reading.input, maxNesting + 1, "", findings);
  return refused(findings, idOf());
}

function refused(errors: readonly Finding[], sent: SentId): ItemReading {
  return { ...sent, status: "rejected", error: { type: "/problems/invalid-event", errors } };
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

export type BatchMediaType = (typeof batchMediaTypes)[number];

/**
 * The media type of a request with many events.
 * @throws ServiceError `UNSUPPORTED_MEDIA_TYPE`
 */
export function batchTypeOf(contentType: string | undefined): BatchMediaType {
  return requireMediaType(contentType, batchMediaTypes);
}

/** The form of the events of a batch. */
export function batchFormOf(type: BatchMediaType): EventForm {
  return type === "application/cloudevents-batch+json" ? "structured" : "json";
}

/**
 * Reads a body that holds many events: `{"events":[...]}`, a bare array, one event a line (NDJSON;
 * blank lines do not count, a bad line costs only itself), or a batch of CloudEvents.
 * @param bytes the body, as `readBody` gives it
 * @throws ServiceError `MALFORMED` where it cannot be read as a whole or holds no event;
 * `VALIDATION` where an object has other properties than `events`; `TOO_LARGE` with a finding
 * `events`
 */
export function readBatch(bytes: Buffer, type: BatchMediaType, maxEvents: number): BatchBody {
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
    else rejected.push({ index, ...reading });
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

/** An answer to a collecting request, ready to be sent. */
export interface RouteAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const outcomes = {
  pending: { status: 202, name: "accepted" },
  stored: { status: 201, name: "stored" },
  quarantined: { status: 202, name: "quarantined" },
  duplicate: { status: 200, name: "duplicate" },
} as const satisfies Partial<Record<EventOutcome, object>>;

/**
 * The answer about one event.
 * @throws ServiceError where it was rejected, or its id turned out to be another event's
 */
export function eventAnswer(
  { results, outcomes: byId }: Pick<Receipt, "results" | "outcomes">,
  waitMs?: number,
): RouteAnswer {
  const [result] = results;
  if (result === undefined) throw new ServiceError("INTERNAL");
  if (result.status === "rejected") throw errorOfItem(result.error);
  const outcome = byId?.[result.id] ?? "pending";
  if (outcome === "conflict") {
    throw new ServiceError("ID_CONFLICT", "An event with this id and other content is stored");
  }
  const { status, name } = outcomes[outcome];
  const receivedAt = new Date(result.receivedAt).toISOString();
  // Ids need no escapes in JSON.
  const body = `{"id":"${result.id}","status":"${name}","receivedAt":"${receivedAt}"}`;
  return {
    status,
    headers: {
      "Content-Type": "application/json; charset=utf-8",
      "Content-Length": String(body.length),
      Location: `/api/v1/events/${encodeURIComponent(result.id)}`,
      ...(waitMs !== undefined && { "Preference-Applied": `wait=${waitMs / 1_000}` }),
    },
    body,
  };
}

/** The answer about a batch: 202 where all were accepted, 207 where some, 422 where none. */
export function batchAnswer(results: readonly ItemResult[], choice: ResultsChoice): RouteAnswer {
  const rejected = results.filter(({ status }) => status === "rejected").length;
  const accepted = results.length - rejected;
  const status = rejected === 0 ? 202 : accepted === 0 ? 422 : 207;
  const listed =
    choice === "all" ? results : results.filter((result) => result.status === "rejected");
  const body = Buffer.from(JSON.stringify({ accepted, rejected, results: listed.map(itemOf) }));
  return {
    status,
    headers: {
      "Content-Type": "application/json; charset=utf-8",
      "Content-Length": String(body.length),
    },
    body: body.toString(),
  };
}

function itemOf(result: ItemResult): object {
  return result.status === "rejected"
    ? result
    : { ...result, receivedAt: new Date(result.receivedAt).toISOString() };
}
