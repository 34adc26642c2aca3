import type { Rule } from "../schema/rule.ts";

/**
 * The schema of an event, as plain data: admission runs it, and documentation is derived from it.
 * `null` in an optional field counts as absent.
 */

/** The most characters (not code units) of a name or a label. */
export const maxLength = { id: 128, type: 128, source: 512, correlationId: 128 } as const;

/**
 * Ids that `GET /api/v1/events/:id` cannot name: they are routes, or steps of a path that clients
 * resolve.
 */
export const reservedIds: readonly string[] = ["batch", "counts", "export", "stream", ".", ".."];

const ascii = "A-Za-z0-9._:@/+-";
const reserved = reservedIds.map((id) => id.replaceAll(".", "\\.")).join("|");
const idPattern = `^(?!(?:${reserved})$)[${ascii}]{1,${maxLength.id}}$`;
const validId = new RegExp(idPattern);

export function isEventId(text: string): boolean {
  return validId.test(text);
}

/**
 * Letters, digits and marks of any script and `._:@/+-`, with single spaces inside. The pattern
 * tries plain ASCII first.
 */
const word = "[\\p{L}\\p{N}\\p{M}._:@/+-]+";
const typePattern = `^(?:[${ascii}]{1,${maxLength.type}}|(?=.{1,${maxLength.type}}$)${word}(?: ${word})*)$`;

const validType = new RegExp(typePattern, "u");

/** Whether an event can have this type. */
export function isEventType(text: string): boolean {
  return validType.test(text);
}

/** No control characters, no lone surrogates. */
const labelPattern = (length: number) =>
  `^[^\\u0000-\\u001f\\u007f-\\u009f\\ud800-\\udfff]{1,${length}}$`;

// Each field gets an object of its own: the validator takes a shared one for a cycle.
const label = (field: keyof typeof maxLength) =>
  ({ type: "string", pattern: labelPattern(maxLength[field]), patternFlags: "u" }) as const;
const text = () => ({ type: "string", optional: true }) as const;

/** A text, or a number that every JSON reader understands alike. */
const user = () =>
  ({
    type: "multi",
    optional: true,
    rules: [
      { type: "string" },
      { type: "number", min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER },
    ],
  }) as const;

/** The known keys of `metadata`; any other key takes any JSON. */
export const metadataProperties = {
  userId: user(),
  anonymousId: user(),
  sessionId: text(),
  ip: text(),
  userAgent: text(),
  url: text(),
  referrer: text(),
  locale: text(),
  recipient: text(),
  campaignId: text(),
  templateId: text(),
} as const;

export const eventProperties = {
  id: { type: "string", optional: true, pattern: idPattern },
  type: { type: "string", pattern: typePattern, patternFlags: "u" },
  data: { type: "any", optional: true },
  timestamp: {
    type: "multi",
    optional: true,
    rules: [
      { type: "string", format: "date-time" },
      { type: "number", integer: true },
    ],
  },
  source: label("source"),
  correlationId: { ...label("correlationId"), optional: true },
  metadata: { type: "object", optional: true, properties: metadataProperties },
} as const;

/** The schema of one event. It refuses other fields. */
export const eventSchema = {
  type: "object",
  strict: true,
  properties: eventProperties,
} as const satisfies Rule;
