import { ServiceError, type Finding } from "../../errors.ts";
import { isZone } from "../../counting/calendar.ts";
import {
  rangeWords,
  resolveRange,
  type Last,
  type RelativeRange,
} from "../../counting/relative-range.ts";
import { lastInstant } from "../../event/instant.ts";
import { described, later, type Field, type Raw } from "./field.ts";

/**
 * How a question is asked: by parameters, `from` and `to` among them, or by a body with its
 * `range`.
 */
export interface Form {
  readonly by: "parameters" | "body";
  /** Whether its reader knows `timezone`; otherwise that goes with a relative range alone. */
  readonly takesZone: boolean;
  /** The relative range of a question that has none, nor an end of one; absent: it has no ends. */
  readonly otherwise?: string;
}

/** How a relative range is described. It is read before all else (`readWithRange`). */
export const relativeRangeSchema = {
  type: "string",
  pattern: `^(${rangeWords.join("|")}|[1-9][0-9]{0,5}[mhd])$`,
  examples: ["7d", "24h", "this_month"],
};

/** The parameter `range`. */
export const relativeRange: Field<unknown> = described(
  later(relativeRangeSchema),
  "In the place of from and to: relative to now, in the zone of `timezone`",
);

/** The parameter `timezone` of what needs none but for a relative range. */
export const zoneOfRange: Field<void> = {
  schema: { type: "string", description: "The zone of a relative range", default: "UTC" },
  read(value, { pointer }, findings) {
    if (value === undefined) return;
    const message = "timezone goes with a relative range, such as range=7d";
    findings.push({ pointer, code: "zone", message });
  },
};

/** Lists of events and what is like them. */
export const asParameters: Form = { by: "parameters", takesZone: false };

/** A question that was read, and when: what it means by "today" follows from that. */
interface ReadAt<Question> {
  readonly question: Question;
  /** Epoch milliseconds; absent where the range was not relative. */
  readonly at?: number;
}

/** The most of each unit: ten years of days, one of hours and of minutes. */
const most = { m: 527_040, h: 8_784, d: 3_660 } as const;
const allowed = `a relative range is {"last": "7d"} (or 24h, 90m), or one of ${rangeWords.join(", ")}`;

/**
 * Read a question that may have a relative range: its reader gets `from` and `to` instead. A cursor
 * keeps the instant that the first page was read at.
 * @param read reads it; throws ServiceError VALIDATION
 * @throws ServiceError VALIDATION with what is wrong with the range, and everything else that is
 * wrong
 */
export function readWithRange<Question>(
  form: Form,
  raw: Raw,
  now: number,
  read: (raw: Raw) => Question,
): ReadAt<Question> {
  const range = raw["range"] ?? (hasEnds(form, raw) ? undefined : form.otherwise);
  if (!isRelative(form, range)) return { question: read(raw) };
  const findings: Finding[] = [];
  const pointer = form.by === "body" ? "/range" : "range";
  const relative = relativeRangeOf(range);
  if (relative === undefined) findings.push({ pointer, code: "range", message: allowed });
  if (hasEnds(form, raw)) {
    const message = "a relative range goes without from and to";
    findings.push({ pointer, code: "range", message });
  }
  const { at, cursor } = readAt(raw["cursor"], now);
  const zone = raw["timezone"] ?? "UTC";
  const isKnownZone = typeof zone === "string" && isZone(zone);
  if (!isKnownZone && !form.takesZone) {
    const message = "timezone must be an IANA zone, such as Europe/Berlin";
    findings.push({ pointer: "timezone", code: "zone", message });
  }
  const ends =
    relative !== undefined && isKnownZone && findings.length === 0
      ? resolveRange(relative, zone, at)
      : {};
  return { question: readBeside(findings, absoluteForm(form, raw, ends, cursor), read), at };
}

/** A cursor for the next page of a question that was read at an instant. */
export function continuedAt<Cursor extends string | null | undefined>(
  cursor: Cursor,
  at: number | undefined,
): Cursor {
  return typeof cursor === "string" && at !== undefined
    ? (`${at}~${cursor}` as Cursor & string)
    : cursor;
}

/** A relative range as it is written; `undefined` where it is none. */
function relativeRangeOf(range: unknown): RelativeRange | undefined {
  const word = rangeWords.find((known) => known === range);
  if (word !== undefined) return word;
  if (typeof range === "string") return lastOf(range);
  const { last, ...others } = range as Record<string, unknown>;
  return typeof last === "string" && Object.keys(others).length === 0 ? lastOf(last) : undefined;
}

function lastOf(text: string): Last | undefined {
  const [, digits, letter] = /^([1-9]\d{0,5})([mhd])$/.exec(text) ?? [];
  if (letter === undefined) return undefined;
  const unit = letter as Last["unit"];
  const count = Number(digits);
  return count <= most[unit] ? { count, unit } : undefined;
}

/**
 * In a body an object without `last` is a range of two ends, and anything else its reader's to
 * refuse.
 */
function isRelative({ by }: Form, range: unknown): boolean {
  if (typeof range === "string") return true;
  if (typeof range !== "object" || range === null)
    return by === "parameters" && range !== undefined;
  return by === "parameters" || Object.hasOwn(range, "last");
}

function hasEnds({ by }: Form, raw: Raw): boolean {
  return by === "parameters" && (raw["from"] !== undefined || raw["to"] !== undefined);
}

function absoluteForm(form: Form, raw: Raw, ends: object, cursor: unknown): Raw {
  const { range: _range, timezone, from: _from, to: _to, ...rest } = raw;
  return {
    ...rest,
    ...(cursor !== undefined && { cursor }),
    ...(form.takesZone && timezone !== undefined && { timezone }),
    ...(form.by === "body" ? Object.keys(ends).length > 0 && { range: ends } : ends),
  };
}

/** The instant in front of a cursor, and the cursor. */
function readAt(cursor: unknown, now: number): { readonly at: number; readonly cursor: unknown } {
  const [, at, rest] = typeof cursor === "string" ? (/^(\d{1,15})~(.*)$/s.exec(cursor) ?? []) : [];
  const isInstant = at !== undefined && Number(at) <= lastInstant;
  return isInstant ? { at: Number(at), cursor: rest } : { at: now, cursor };
}

function readBeside<Question>(
  findings: readonly Finding[],
  raw: Raw,
  read: (raw: Raw) => Question,
): Question {
  if (findings.length === 0) return read(raw);
  try {
    read(raw);
  } catch (error) {
    if (!(error instanceof ServiceError) || error.type !== "VALIDATION") throw error;
    throw refusal([...findings, ...(error.data.errors ?? [])]);
  }
  throw refusal(findings);
}

function refusal(errors: readonly Finding[]): ServiceError {
  return new ServiceError("VALIDATION", undefined, { errors });
}
