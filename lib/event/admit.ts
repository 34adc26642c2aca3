import type { Finding } from "../errors.ts";
import { contentHash } from "./content-hash.ts";
import type { AcceptedEvent, EventId, EventInput, JsonObject } from "./event.ts";
import { compileRule } from "../schema/rule.ts";
import { eventBytes, findingsOf } from "./findings.ts";
import { misdated, parseInstant } from "./instant.ts";
import { maxAheadMs, maxEventBytes, maxNesting } from "./limits.ts";
import { withAddress, type Origin } from "./enrich/ip.ts";
import { mostJsonBytes } from "./plain-json.ts";
import { eventSchema, isEventId, metadataProperties } from "./event-schema.ts";

/** The outcome of one event, with its place in the request. */
export type ItemResult =
  | {
      readonly index: number;
      readonly id: EventId;
      readonly status: "accepted";
      /** Epoch milliseconds. */
      readonly receivedAt: number;
    }
  | {
      /**
       * An event with the same id and content stands earlier in the same call, and is the one that
       * counts.
       */
      readonly index: number;
      readonly id: EventId;
      readonly status: "duplicate";
      readonly receivedAt: number;
    }
  | {
      readonly index: number;
      /** Where the client sent a valid one. */
      readonly id?: EventId;
      readonly status: "rejected";
      readonly error: ItemError;
    };

/** Why one event was refused, in the form of a problem: `type` is the problem's URI. */
export interface ItemError {
  readonly type: ItemProblem;
  /** 1 to `maxFindings`; pointers start at the event. */
  readonly errors: readonly Finding[];
}

export type ItemProblem =
  | "/problems/invalid-event"
  /** A field that events do not have. */
  | "/problems/validation"
  /** The event is larger than one event may be. */
  | "/problems/too-large"
  /**
   * The id stands earlier in the same call, for another event. Concurrent requests share a call.
   */
  | "/problems/id-conflict"
  /** The text in the event's place could not be read at all. */
  | "/problems/malformed";

/** An event that was let in. */
export interface AdmittedEvent {
  readonly event: AcceptedEvent;
  /** False where the id was given here: no other event of the call has it. */
  readonly named: boolean;
}

export interface Admission {
  /** One for each input, in order. */
  readonly results: readonly ItemResult[];
  /** The accepted ones in order; no id twice. */
  readonly accepted: readonly AdmittedEvent[];
}

/**
 * The clock, the source of ids and the reader of addresses. `newId` is called once for each
 * accepted event without an id, in order, with its place among the inputs, and must return an id
 * that no other event has.
 */
interface AdmissionTools {
  /** Epoch milliseconds. */
  readonly now: number;
  readonly newId: (place: number) => EventId;
  /**
   * Reads the origin of `metadata.ip`. Absent: this process enriches the event later, and it keeps
   * its address until then.
   */
  readonly originOf?: (ip: string) => Origin;
}

const check = compileRule(eventSchema);

type Writable<T> = { -readonly [Field in keyof T]: T[Field] };

const knownMetadata: ReadonlySet<string> = new Set(Object.keys(metadataProperties));

/**
 * Decides on events from outside: checks each one by the rules of the API, and fixes the identity
 * and the instants of those that are accepted. `null` in an optional field counts as absent. One
 * bad event never costs the others. Never throws, whatever the inputs are, and does not change
 * them; accepted events share `data` with their input, and `metadata` where that stays as it is.
 */
export function admit(inputs: readonly unknown[], at: AdmissionTools): Admission {
  const results: ItemResult[] = [];
  const accepted: AdmittedEvent[] = [];
  const byId = new Map<EventId, { readonly event: AcceptedEvent; hash?: string }>();
  for (let index = 0; index < inputs.length; index++) {
    const admitted = admitOne(inputs[index], index, at);
    if (isRefusal(admitted)) {
      results.push({ index, ...sentId(inputs[index]), status: "rejected", error: admitted });
      continue;
    }
    const { id, receivedAt } = admitted.event;
    const earlier = admitted.named ? byId.get(id) : undefined;
    if (earlier === undefined) {
      if (admitted.named) byId.set(id, { event: admitted.event });
      accepted.push(admitted);
      results.push({ index, id, status: "accepted", receivedAt });
      continue;
    }
    // Each event is hashed once: a large event with many repeats costs no more than any other
    // input.
    earlier.hash ??= contentHash(earlier.event);
    if (contentHash(admitted.event) === earlier.hash) {
      results.push({ index, id, status: "duplicate", receivedAt });
    } else {
      results.push({ index, id, status: "rejected", error: conflict });
    }
  }
  return { results, accepted };
}

function admitOne(input: unknown, place: number, at: AdmissionTools): AdmittedEvent | ItemError {
  const checked = check(input);
  const broken = checked === true ? [] : checked;
  const instant = checked === true ? timeOf(input as EventInput, at.now) : undefined;
  const mostBytes = mostJsonBytes(input, maxNesting + 1);
  if (instant === undefined || mostBytes < 0) {
    const findings = findingsOf(input, broken, at.now);
    // There are no findings where the only oddity is a property that is `undefined`: that counts as
    // absent.
    if (findings.length > 0) return refusal(findings);
  }
  // Few events come near the limit, and only these are measured.
  const isPerhapsLarge = mostBytes < 0 || mostBytes > maxEventBytes;
  if (isPerhapsLarge && eventBytes(input) > maxEventBytes) {
    return refusal(findingsOf(input, broken, at.now));
  }
  const known = instant ?? timeOf(input as EventInput, at.now) ?? at.now;
  const event = accept(input as EventInput, place, known, at);
  return { event, named: (input as EventInput).id != null };
}

/**
 * The JSON of admitted events, joined by commas, as a batch message holds them: compact, well-formed
 * Unicode. One text for all takes a fifth less than one for each.
 */
export function jsonOfAll(events: readonly AdmittedEvent[]): string {
  return JSON.stringify(events.map(({ event }) => event)).slice(1, -1);
}

/**
 * The instant of the event: now where it names none. `undefined` where it names an unacceptable
 * one.
 */
function timeOf({ timestamp }: EventInput, now: number): number | undefined {
  if (timestamp == null) return now;
  const instant = parseInstant(timestamp);
  if (instant === undefined || instant > now + maxAheadMs) return undefined;
  return misdated(instant, now) === undefined ? instant : undefined;
}

/**
 * Builds the accepted event. Optional fields that are `null` count as absent: typed clients send
 * them.
 */
function accept(
  input: EventInput,
  place: number,
  instant: number,
  at: AdmissionTools,
): AcceptedEvent {
  const { id, type, data, timestamp, source, correlationId, metadata } = input;
  const event: Writable<AcceptedEvent> = {
    id: id ?? at.newId(place),
    type,
    timestamp: instant,
    source,
    receivedAt: at.now,
  };
  // Each field is set on its own: conditional spreads would take a third of the rate.
  if (correlationId != null) event.correlationId = correlationId;
  if (data != null) event.data = data;
  if (metadata != null) addMetadata(event, withoutNulls(metadata), at);
  if (timestamp == null) event.undated = true;
  return event;
}

function addMetadata(
  event: Writable<AcceptedEvent>,
  metadata: JsonObject,
  { originOf }: AdmissionTools,
): void {
  const ip = metadata["ip"];
  if (typeof ip !== "string" || originOf === undefined) {
    event.metadata = metadata;
    return;
  }
  const origin = originOf(ip);
  event.metadata = withAddress(metadata, origin.ip);
  event.country = origin.country;
}

/**
 * The metadata without those known keys that are `null`; they count as absent. The sender's own
 * keys stay.
 */
function withoutNulls(metadata: JsonObject): JsonObject {
  const isAbsent = (key: string) => metadata[key] === null && knownMetadata.has(key);
  for (const key in metadata) {
    if (!isAbsent(key)) continue;
    const kept = Object.entries(metadata).filter(([name]) => !isAbsent(name));
    return Object.fromEntries(kept);
  }
  return metadata;
}

/** Chooses the kind of a refusal by the finding that a client has to act on first. */
function refusal(errors: readonly Finding[]): ItemError {
  const has = (code: string) => errors.some((finding) => finding.code === code);
  if (has("too_large")) return { type: "/problems/too-large", errors };
  return {
    type: has("unknown_field") ? "/problems/validation" : "/problems/invalid-event",
    errors,
  };
}

const conflict: ItemError = {
  type: "/problems/id-conflict",
  errors: [
    {
      pointer: "/id",
      code: "id_conflict",
      message: "this id came just before, in this request or another, with other content",
    },
  ],
};

function isRefusal(admitted: AdmittedEvent | ItemError): admitted is ItemError {
  return "errors" in admitted;
}

/** The id of an event as its sender wrote it. */
export interface SentId {
  /** Absent where the sender wrote no valid one. */
  readonly id?: EventId;
}

/** Reads the id of an event that is refused. */
export function sentId(input: unknown): SentId {
  const id = (input as { readonly id?: unknown } | null | undefined)?.id;
  return typeof id === "string" && isEventId(id) ? { id } : {};
}
