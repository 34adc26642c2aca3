import { maxAheadMs } from "./limits.ts";

/** 0001-01-01T00:00:00.000Z, the first instant that is accepted: RFC 3339 has no years before 0. */
export const firstInstant = -62_135_596_800_000;

/** 9999-12-31T23:59:59.999Z, the last instant that RFC 3339 can write. */
export const lastInstant = 253_402_300_799_999;

/** The longest text that is read as an instant: real ones are shorter. */
export const maxInstantLength = 64;

const dayMs = 86_400_000;
/**
 * The instants that a clock or a field shows that was never set; up to 1970, and the second before
 * it.
 */
const zeroTimes: readonly (readonly [from: number, to: number])[] = [
  // Year 1 in Go and .NET, in any zone; and its seconds read as milliseconds.
  [firstInstant, firstInstant + dayMs - 1],
  [firstInstant / 1_000, firstInstant / 1_000],
  // Unix's 0, and the -1 that C returns for an unknown time.
  [-1_000, 0],
];
const monthDays: readonly number[] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/**
 * An instant of the API: an RFC 3339 date-time, or whole epoch milliseconds.
 * @returns epoch milliseconds; `undefined` where it is neither, or not within the years 1 to 9999
 */
export function parseInstant(value: unknown): number | undefined {
  if (typeof value === "string") {
    const instant = rfc3339(value);
    return instant >= firstInstant && instant <= lastInstant ? instant : undefined;
  }
  if (typeof value !== "number" || !Number.isInteger(value)) return undefined;
  // The sum turns -0, which JSON cannot write, into 0.
  return value >= firstInstant && value <= lastInstant ? value + 0 : undefined;
}

/**
 * Why an instant cannot be the time of an event: `zero` is the value of a clock that was never set;
 * `seconds` is a time in seconds that was read as milliseconds, which lies in the first weeks of
 * 1970: the present one, an earlier one, or one that a clock may show which is ahead of this one.
 * @param now epoch milliseconds
 */
export function misdated(instant: number, now: number): "zero" | "seconds" | undefined {
  if (instant > (now + maxAheadMs) / 1_000) return undefined;
  if (zeroTimes.some(([from, to]) => instant >= from && instant <= to)) return "zero";
  return instant > 0 ? "seconds" : undefined;
}

/**
 * An RFC 3339 date-time as epoch milliseconds, `NaN` where it is none. Dates are of the proleptic
 * Gregorian calendar and must exist; `T` and `Z` may be in lower case; the offset is required;
 * fractions beyond milliseconds are cut. Second 60 is taken where a leap second can be (RFC 3339,
 * 5.7: the last second of a UTC month) and means the second after it, as in POSIX time.
 */
export function rfc3339(text: string): number {
  const length = text.length;
  if (length < 20 || length > maxInstantLength) return NaN;
  const year = digits(text, 0, 4);
  const month = digits(text, 5, 2);
  const day = digits(text, 8, 2);
  const hour = digits(text, 11, 2);
  const minute = digits(text, 14, 2);
  const second = digits(text, 17, 2);
  // A bad digit has made its number NaN, which fails every comparison.
  const written =
    is(text, 4, "-") && is(text, 7, "-") && isT(text) && is(text, 13, ":") && is(text, 16, ":");
  const real =
    year >= 0 &&
    month >= 1 &&
    month <= 12 &&
    day >= 1 &&
    day <= daysIn(year, month) &&
    hour <= 23 &&
    minute <= 59 &&
    second <= 60;
  if (!written || !real) return NaN;

  let at = 19;
  let fractionMs = 0;
  if (is(text, at, ".")) {
    const start = ++at;
    while (isDigit(text, at)) at++;
    if (at === start) return NaN;
    for (let place = 0; place < 3; place++) {
      fractionMs = fractionMs * 10 + (start + place < at ? text.charCodeAt(start + place) - 48 : 0);
    }
  }
  const offsetMinutes = offset(text, at);
  const whole =
    daysSinceEpoch(year, month, day) * dayMs +
    (hour * 60 + minute - offsetMinutes) * 60_000 +
    second * 1_000;
  if (second === 60 && !endsMonth(whole)) return NaN;
  return whole + fractionMs;
}

const digitsOf = (count: number, width: number) =>
  Array.from({ length: count }, (_, number) => String(number).padStart(width, "0"));
const twoDigits = digitsOf(60, 2);
const threeDigits = digitsOf(1_000, 3);

/** The days of instants that were written last, each in the place of its lowest bits. */
const writtenDays = new Float64Array(64).fill(NaN);
const dayTexts: string[] = [];

/**
 * An instant as RFC 3339, UTC, milliseconds: what `Date` writes, in less time where instants are of
 * few days.
 * @param instant whole epoch milliseconds, as `parseInstant` returns them
 */
export function instantText(instant: number): string {
  const day = Math.floor(instant / dayMs);
  const place = day & 63;
  if (writtenDays[place] !== day) {
    dayTexts[place] = new Date(instant).toISOString().slice(0, -"00:00:00.000Z".length);
    writtenDays[place] = day;
  }
  const ms = instant - day * dayMs;
  const seconds = Math.floor(ms / 1_000);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const clock = `${twoDigits[hours]!}:${twoDigits[minutes - hours * 60]!}:${twoDigits[seconds - minutes * 60]!}`;
  return `${dayTexts[place]!}${clock}.${threeDigits[ms - seconds * 1_000]!}Z`;
}

/** Reads minutes east of UTC, to the end of the text; `NaN` where they cannot be read. */
function offset(text: string, at: number): number {
  if (text.length === at + 1) return is(text, at, "Z") || is(text, at, "z") ? 0 : NaN;
  const hours = digits(text, at + 1, 2);
  const minutes = digits(text, at + 4, 2);
  if (text.length !== at + 6 || !is(text, at + 3, ":") || !(hours <= 23 && minutes <= 59))
    return NaN;
  if (is(text, at, "+")) return hours * 60 + minutes;
  return is(text, at, "-") ? -(hours * 60 + minutes) : NaN;
}

/** Whether a UTC month begins at this instant. */
function endsMonth(instant: number): boolean {
  return instant % dayMs === 0 && new Date(instant).getUTCDate() === 1;
}

function daysIn(year: number, month: number): number {
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return month === 2 && leap ? 29 : (monthDays[month - 1] ?? NaN);
}

/** Days from 1970-01-01, counted in years that begin in March, so that leap days come last. */
function daysSinceEpoch(year: number, month: number, day: number): number {
  const marchYear = month > 2 ? year : year - 1;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const leapDays =
    Math.floor(marchYear / 4) - Math.floor(marchYear / 100) + Math.floor(marchYear / 400);
  // 719,468 days lie between 0000-03-01 and the epoch.
  return marchYear * 365 + leapDays + dayOfYear - 719_468;
}

/** Reads a number of `count` digits; `NaN` where one is no digit. */
function digits(text: string, at: number, count: number): number {
  let number = 0;
  for (let index = at; index < at + count; index++) {
    if (!isDigit(text, index)) return NaN;
    number = number * 10 + text.charCodeAt(index) - 48;
  }
  return number;
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 48 && code <= 57;
}

function is(text: string, at: number, character: string): boolean {
  return text.charCodeAt(at) === character.charCodeAt(0);
}

function isT(text: string): boolean {
  return is(text, 10, "T") || is(text, 10, "t");
}
