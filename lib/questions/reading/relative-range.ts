import { ServiceError, type Finding } from "../../errors.ts";
import { isZone, periods } from "../../counting/calendar.ts";
import { maxAheadMs } from "../../event/limits.ts";
import { described, later, timezone, type Field, type Raw } from "./field.ts";
import type { OpenRange } from "../../event/filter.ts";

/** Ranges that have a name. A week begins on Monday. */
export const rangeWords = [
  "today",
  "yesterday",
  "this_week",
  "last_week",
  "this_month",
  "last_month",
  "month_to_date",
  "this_year",
  "all",
] as const;
type RangeWord = (typeof rangeWords)[number];

/**
 * A range that moves with the clock: one that has a name, or the last N minutes, hours
 * or days.
 */
export type RelativeRange = RangeWord | Last;

export interface Last {
  readonly count: number;
  readonly unit: "m" | "h" | "d";
}

const minuteMs = 60_000;
const dayMs = 86_400_000;
const lengthMs = { m: minuteMs, h: 60 * minuteMs } as const;

/**
 * The range that a relative range means at an instant, half open. Days, weeks, months and years are
 * whole ones of the zone's calendar, and the current one reaches to its end; minutes and hours end
 * with the current minute.
 * @param zone an IANA name (`isZone`)
 * @param now epoch milliseconds
 */
export function resolveRange(relative: RelativeRange, zone: string, now: number): OpenRange {
  const minuteEnd = Math.floor(now / minuteMs) * minuteMs + minuteMs;
  if (typeof relative === "object") {
    const { count, unit } = relative;
    if (unit !== "d") return { from: minuteEnd - count * lengthMs[unit], to: minuteEnd };
  }
  if (relative === "all") return {};
  const today = dateAt(zone, now);
  const span = (first: number, next: number) => ({
    from: startOf(zone, first),
    to: startOf(zone, next),
  });
  if (typeof relative === "object") return span(today - relative.count + 1, today + 1);
  const monday = today - ((((today + 3) % 7) + 7) % 7);
  switch (relative) {
    case "today":
      return span(today, today + 1);
    case "yesterday":
      return span(today - 1, today);
    case "this_week":
      return span(monday, monday + 7);
    case "last_week":
      return span(monday - 7, monday);
    case "this_month":
      return span(firstOfMonth(today, 0), firstOfMonth(today, 1));
    case "last_month":
      return span(firstOfMonth(today, -1), firstOfMonth(today, 0));
    case "month_to_date":
      return { from: startOf(zone, firstOfMonth(today, 0)), to: minuteEnd };
    case "this_year":
      return span(firstOfYear(today, 0), firstOfYear(today, 1));
  }
}

/** The date that a zone's day at an instant has, as days since 1970-01-01. */
function dateAt(zone: string, instant: number): number {
  const [day] = periods("day", zone, { from: instant, to: instant + 1 });
  return dayOf(day!.time);
}

/** The start of a date in a zone; where the zone skipped the date, the start of the next one. */
function startOf(zone: string, date: number): number {
  const around = { from: (date - 3) * dayMs, to: (date + 3) * dayMs };
  const found = periods("day", zone, around).find(({ time }) => dayOf(time) >= date);
  return found!.start;
}

function dayOf(time: string): number {
  return Date.parse(time.slice(0, 10)) / dayMs;
}

function firstOfMonth(date: number, monthsOn: number): number {
  const day = new Date(date * dayMs);
  return Date.UTC(day.getUTCFullYear(), day.getUTCMonth() + monthsOn, 1) / dayMs;
}

function firstOfYear(date: number, yearsOn: number): number {
  return Date.UTC(new Date(date * dayMs).getUTCFullYear() + yearsOn, 0, 1) / dayMs;
}

/** The form of a question: parameters with `from` and `to`, or a body with `range`. */
export interface Form {
  readonly by: "parameters" | "body";
  /** The relative range of a question without a range; absent: the range stays open. */
  readonly otherwise?: string;
  /**
   * Whether the answer goes on: a relative range that holds now has no end then, since what comes
   * later is in it as well.
   */
  readonly goesOn?: boolean;
}

/** Describes a relative range, which `readWithRange` reads before everything else. */
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

/**
 * The `timezone` of questions that need it only for a relative range. Any range may stand beside
 * it, so that a range can be replaced alone.
 */
export const zoneOfRange: Field<string> = described(
  timezone,
  "The zone of a relative range; any other range is the same in every zone",
);

export const asParameters: Form = { by: "parameters" };
export const asBody: Form = { by: "body" };

/** The form of answers that go on. */
export const asStream: Form = { ...asParameters, goesOn: true };

/** A question, and the instant at which it was read: "today" depends on that. */
interface ReadAt<Question> {
  readonly question: Question;
  /** Epoch milliseconds; absent where the range was not relative. */
  readonly at?: number;
}

/** The most of each unit: ten years of days, one year of hours and of minutes. */
const most = { m: 527_040, h: 8_784, d: 3_660 } as const;
const allowed = `a relative range is {"last": "7d"} (or 24h, 90m), or one of ${rangeWords.join(", ")}`;

/**
 * Reads a question that may have a relative range: its reader gets `from` and `to` instead. A
 * cursor keeps the instant at which the first page was read.
 * @param read reads the question; throws ServiceError VALIDATION
 * @throws ServiceError VALIDATION with the faults of the range, and all others
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
  // The question's reader refuses a zone that is none.
  const isKnownZone = typeof zone === "string" && isZone(zone);
  const ends =
    relative !== undefined && isKnownZone && findings.length === 0
      ? endsOf(form, resolveRange(relative, zone, at), at)
      : {};
  return { question: readBeside(findings, absoluteForm(form, raw, ends, cursor), read), at };
}

function endsOf({ goesOn = false }: Form, ends: OpenRange, now: number): OpenRange {
  const { to, ...withoutEnd } = ends;
  return goesOn && to !== undefined && to > now ? withoutEnd : ends;
}

/** The cursor of the next page of a question that was read at an instant. */
export function continuedAt<Cursor extends string | null | undefined>(
  cursor: Cursor,
  at: number | undefined,
): Cursor {
  return typeof cursor === "string" && at !== undefined
    ? (`${at}~${cursor}` as Cursor & string)
    : cursor;
}

/** Reads a relative range; `undefined` where it is not one. */
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
 * In a body an object without `last` is a range of two ends; anything else is left to the
 * question's reader.
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
  const { range: _range, from: _from, to: _to, ...rest } = raw;
  return {
    ...rest,
    ...(cursor !== undefined && { cursor }),
    ...(form.by === "body" ? Object.keys(ends).length > 0 && { range: ends } : ends),
  };
}

/**
 * Splits a cursor into the instant before it and the question's own cursor. A cursor of an instant
 * at which no first page was read stays whole, and the question's reader refuses it.
 */
function readAt(cursor: unknown, now: number): { readonly at: number; readonly cursor: unknown } {
  const [, at, rest] = typeof cursor === "string" ? (/^(\d{1,15})~(.*)$/s.exec(cursor) ?? []) : [];
  // Another node's clock may be ahead of this one.
  const isPast = at !== undefined && Number(at) <= now + maxAheadMs;
  return isPast ? { at: Number(at), cursor: rest } : { at: now, cursor };
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
