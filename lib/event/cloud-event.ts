import { isUtf8 } from "node:buffer";
import type { Finding } from "../errors.ts";
import type { ItemResult } from "./admit.ts";
import type { EventInput, Json, EventId } from "./event.ts";
import { parseInstant } from "./instant.ts";
import { maxFindings } from "./limits.ts";
import { pointerTo, parseJson } from "./plain-json.ts";
import { hash } from "node:crypto";

/**
 * CloudEvents 1.0 (https://github.com/cloudevents/spec, JSON event format and HTTP binding) as
 * events of this API. What is read has still to be admitted.
 *
 * - `type` and `source` stay as they are. The identity is `source` and `id` together: see
 *   `cloudEventId`. Where that is not the id itself, the id is kept as `metadata.cloudEventId`, a
 *   name that no attribute can have.
 * - `time` is the timestamp, `correlationid` the correlation id.
 * - `subject`, `dataschema` and extension attributes go into `metadata` under their names; names
 *   that are known there get their capitals back (`userid` is `userId`). Their values are texts, in
 *   the canonical form of the attribute's type, so an event is the same in both modes.
 * - Data of a JSON type is that value. Other data is a text: as it is where the type is a text's
 *   (`text/*`, XML), else in base64; then `metadata.datacontenttype` says what it is.
 */
export type CloudEventReading =
  | { readonly status: "read"; readonly input: EventInput }
  | { readonly status: "rejected"; readonly errors: readonly Finding[] };

/** Headers in lower case, as `node:http` gives them. */
export type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

const required = ["specversion", "id", "source", "type"] as const;

/** Attributes that are fields of their own, or say how to read the data. */
const fields: ReadonlySet<string> = new Set([
  ...required,
  "time",
  "correlationid",
  "datacontenttype",
]);

const metadataNames: ReadonlyMap<string, string> = new Map(
  ["userId", "anonymousId", "sessionId", "userAgent", "campaignId", "templateId"].map((name) => [
    name.toLowerCase(),
    name,
  ]),
);

const requiredHeaders = required.map((name) => `ce-${name}`);

/** The attributes that became fields of the event, by the pointers to these. */
const attributesByPointer: ReadonlyMap<string, string> = new Map([
  ["/id", "id"],
  ["/type", "type"],
  ["/source", "source"],
  ["/timestamp", "time"],
  ["/correlationId", "correlationid"],
]);

/** How events are carried: in this API's own JSON, or in a mode of CloudEvents. */
export type EventForm = "json" | "structured" | "binary";

/**
 * Results of admission whose findings point into what was sent: into the JSON of a CloudEvent, or
 * in binary mode to a header by its name. What is within the data keeps its pointer.
 */
export function pointedAsSent(
  results: readonly ItemResult[],
  form: EventForm,
): readonly ItemResult[] {
  if (form === "json") return results;
  const prefix = form === "binary" ? "ce-" : "/";
  return results.map((result) => {
    if (result.status !== "rejected") return result;
    const errors = result.error.errors.map((finding) => {
      const attribute = attributesByPointer.get(finding.pointer);
      return attribute === undefined ? finding : { ...finding, pointer: prefix + attribute };
    });
    return { ...result, error: { ...result.error, errors } };
  });
}

/** Whether a request carries a CloudEvent in its headers. */
export function isBinaryCloudEvent(headers: Headers): boolean {
  return requiredHeaders.some((name) => headers[name] !== undefined);
}

/** Reads one event in structured mode, or one item of a batch: parsed JSON. */
export function readCloudEvent(value: unknown): CloudEventReading {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return rejected([{ pointer: "", code: "type", message: "a CloudEvent must be a JSON object" }]);
  }
  const findings: Finding[] = [];
  const attributes = new Map<string, string>();
  for (const [name, attribute] of Object.entries(value)) {
    if (name === "data" || name === "data_base64" || attribute === null) continue;
    const text = canonicalText(attribute);
    if (text === undefined) {
      add(
        findings,
        pointerTo("", name),
        "type",
        "an attribute is a string, a boolean or an integer",
      );
    } else {
      addAttribute(attributes, name, text, pointerTo("", name), findings);
    }
  }
  const data = structuredData(value, attributes.get("datacontenttype"), findings);
  return reading(attributes, data, (name) => `/${name}`, findings);
}

/**
 * Reads one event in binary mode: attributes from `ce-` headers, the data's type from
 * `content-type`.
 */
export function readBinaryCloudEvent(headers: Headers, body: Uint8Array): CloudEventReading {
  const findings: Finding[] = [];
  const attributes = new Map<string, string>();
  for (const [header, value] of Object.entries(headers)) {
    if (!header.startsWith("ce-") || value === undefined) continue;
    const text = headerText(String(value));
    if (text === undefined) {
      add(findings, header, "not_well_formed", "the header is not UTF-8 when percent-decoded");
    } else if (header === "ce-datacontenttype" || header === "ce-data") {
      add(findings, header, "unknown_field", "the data is the body, and its type is content-type");
    } else {
      addAttribute(attributes, header.slice(3), text, header, findings);
    }
  }
  const contentType = headers["content-type"];
  if (contentType !== undefined) attributes.set("datacontenttype", String(contentType));
  const data =
    body.length === 0
      ? undefined
      : decoded(
          Buffer.from(body.buffer, body.byteOffset, body.length),
          contentType,
          "/data",
          findings,
        );
  return reading(attributes, data, (name) => `ce-${name}`, findings);
}

function reading(
  attributes: ReadonlyMap<string, string>,
  data: Json | undefined,
  placeOf: (attribute: string) => string,
  findings: Finding[],
): CloudEventReading {
  for (const name of required) {
    if ((attributes.get(name) ?? "") === "") {
      add(findings, placeOf(name), "required", `a CloudEvent needs ${name}`);
    }
  }
  const version = attributes.get("specversion") ?? "";
  if (version !== "" && version !== "1.0") {
    add(findings, placeOf("specversion"), "unsupported", "only CloudEvents 1.0 is understood");
  }
  const time = attributes.get("time");
  if (time !== undefined && parseInstant(time) === undefined) {
    add(findings, placeOf("time"), "format", "time must be RFC 3339, in the years 1 to 9999");
  }
  if (findings.length > 0) return rejected(findings);
  const sentId = attributes.get("id") ?? "";
  const source = attributes.get("source") ?? "";
  const id = cloudEventId(source, sentId);
  const metadata = {
    ...metadataOf(attributes),
    ...(id !== sentId && { cloudEventId: sentId }),
  };
  const correlationId = attributes.get("correlationid");
  const input: EventInput = {
    id,
    type: attributes.get("type") ?? "",
    source,
    ...(time !== undefined && { timestamp: time }),
    ...(data !== undefined && { data }),
    ...(correlationId !== undefined && { correlationId }),
    ...(Object.keys(metadata).length > 0 && { metadata }),
  };
  return { status: "read", input };
}

function metadataOf(attributes: ReadonlyMap<string, string>): Record<string, string> {
  const metadata: Record<string, string> = {};
  for (const [name, text] of attributes) {
    if (!fields.has(name)) metadata[metadataNames.get(name) ?? name] = text;
  }
  const contentType = attributes.get("datacontenttype");
  if (contentType !== undefined && !isJsonType(contentType)) {
    metadata["datacontenttype"] = contentType;
  }
  return metadata;
}

function addAttribute(
  attributes: Map<string, string>,
  name: string,
  text: string,
  place: string,
  findings: Finding[],
): void {
  if (/^[a-z0-9]+$/.test(name)) attributes.set(name, text);
  else add(findings, place, "pattern", "a CloudEvents attribute has a name of a-z and 0-9 only");
}

/**
 * The canonical string of an attribute's value (CloudEvents 1.0, type system); integers have 32
 * bits.
 */
function canonicalText(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (typeof value === "boolean" || (typeof value === "number" && (value | 0) === value)) {
    return String(value);
  }
  return undefined;
}

function structuredData(
  event: object,
  contentType: string | undefined,
  findings: Finding[],
): Json | undefined {
  const { data, data_base64: base64 } = event as { data?: Json; data_base64?: unknown };
  if (base64 === undefined || base64 === null) return data;
  if (data !== undefined && data !== null) {
    add(findings, "/data_base64", "ambiguous", "an event has data or data_base64, not both");
  } else if (typeof base64 !== "string" || !isBase64(base64)) {
    add(findings, "/data_base64", "format", "data_base64 must be base64 (RFC 4648, 4)");
  } else {
    // Encoded data without a content type stays in base64: a producer that encodes JSON names its
    // type.
    return contentType === undefined
      ? base64
      : decoded(Buffer.from(base64, "base64"), contentType, "/data_base64", findings);
  }
  return undefined;
}

/**
 * Data that came as bytes.
 * @param place the pointer of findings about it
 */
function decoded(
  bytes: Buffer,
  contentType: string | readonly string[] | undefined,
  place: string,
  findings: Finding[],
): Json | undefined {
  const type = contentType === undefined ? "application/json" : String(contentType);
  const json = isJsonType(type);
  if (!json && !isTextType(type)) return bytes.toString("base64");
  if (!isUtf8(bytes)) {
    add(findings, place, "not_well_formed", "the data is not UTF-8");
    return undefined;
  }
  if (!json) return bytes.toString();
  try {
    return parseJson(bytes.toString()) as Json;
  } catch {
    add(findings, place, "malformed", "the data is not the JSON that its content type promises");
    return undefined;
  }
}

function isJsonType(contentType: string): boolean {
  return /^[^/;]+\/(?:[^/;]+\+)?json\s*(?:;|$)/i.test(contentType.trim());
}

function isTextType(contentType: string): boolean {
  return /^(?:text\/|[^/;]+\/(?:[^/;]+\+)?xml\s*(?:;|$))/i.test(contentType.trim());
}

function isBase64(text: string): boolean {
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text);
}

/** A header's value (HTTP binding, 3.1.3.2): quotes taken off, then percent-decoded, once. */
function headerText(value: string): string | undefined {
  const quoted = /^"((?:[^"\\]|\\.)*)"$/.exec(value)?.[1]?.replace(/\\(.)/g, "$1") ?? value;
  const bytes = Buffer.from(
    quoted.replace(/%([0-9A-Fa-f]{2})/g, (_, code: string) =>
      String.fromCharCode(Number.parseInt(code, 16)),
    ),
    "latin1",
  );
  return isUtf8(bytes) ? bytes.toString() : undefined;
}

function add(findings: Finding[], pointer: string, code: string, message: string): void {
  if (findings.length < maxFindings) findings.push({ pointer, code, message });
}

function rejected(errors: readonly Finding[]): CloudEventReading {
  return { status: "rejected", errors };
}

/** The id of a CloudEvent that is refused; empty where it lacks a source or an id. */
export function sentCloudEventId(value: unknown): { readonly id?: EventId } {
  if (typeof value !== "object" || value === null) return {};
  const { source, id } = value as { readonly source?: unknown; readonly id?: unknown };
  const [sourceText = "", idText = ""] = [canonicalText(source), canonicalText(id)];
  return sourceText === "" || idText === "" ? {} : { id: cloudEventId(sourceText, idText) };
}

/** RFC 9562, any version. */
const uuid = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;
/** Crockford's base 32 of 48 bits of time and 80 random bits. */
const ulid = /^[0-7][\dA-HJKMNP-TV-Z]{25}$/i;

/**
 * The identity of a CloudEvent, which is its `source` and `id` together (CloudEvents 1.0, "id"). An
 * id that is a UUID or ULID is no other event's, whatever the source, and stands as it is. Any
 * other, of any text, becomes one made of both: `ce-` and the SHA-256 of the two in base64url. The
 * same two always make the same id.
 */
export function cloudEventId(source: string, id: string): EventId {
  if (uuid.test(id) || ulid.test(id)) return id;
  return `ce-${hash("sha256", JSON.stringify([source, id]), "base64url")}`;
}
