import type { ValidationSchema } from "fastest-validator";

/**
 * What an event looks like, as plain data: admission runs it, documentation is derived from it.
 * It stands for validators that take `null` for a value (`considerNullAsAValue`): an optional field
 * is absent, never `null`.
 */

/** For `id` and `type`. */
export const namePattern = "^[A-Za-z0-9._:@/+-]{1,128}$";

/** For `source` and `correlationId`: 1-128 characters (not code units), no control characters, no lone surrogates. */
export const labelPattern = "^[^\\u0000-\\u001f\\u007f-\\u009f\\ud800-\\udfff]{1,128}$";

// Each field has an object of its own: the validator takes a shared one for a cycle.
const name = () => ({ type: "string", nullable: false, pattern: namePattern }) as const;
const label = () =>
  ({ type: "string", nullable: false, pattern: labelPattern, patternFlags: "u" }) as const;
const text = () => ({ type: "string", nullable: false, optional: true }) as const;

/** A text, or a number that every JSON reader understands alike. */
const user = () =>
  ({
    type: "multi",
    nullable: false,
    optional: true,
    rules: [
      { type: "string" },
      { type: "number", min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER },
    ],
  }) as const;

/** The keys of `metadata` that mean something here; any other key takes any JSON. */
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
  id: { ...name(), optional: true },
  type: name(),
  data: { type: "any", optional: true },
  timestamp: {
    type: "multi",
    nullable: false,
    optional: true,
    rules: [{ type: "string" }, { type: "number", integer: true }],
  },
  source: label(),
  correlationId: { ...label(), optional: true },
  metadata: { type: "object", nullable: false, optional: true, properties: metadataProperties },
} as const;

/** The schema of one event. Other fields than these are refused. */
export const eventSchema: ValidationSchema = {
  $$root: true,
  type: "object",
  nullable: false,
  strict: true,
  properties: eventProperties,
};
