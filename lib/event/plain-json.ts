import type { Finding } from "../errors.ts";
import { maxFindings } from "./limits.ts";

/**
 * Matches a part of a number that may be too small for a double: a large negative exponent, or
 * hundreds of zeros. Texts may hold the same.
 */
const perhapsTooSmall = /\d[eE]-0*[1-9]\d\d|\.0{200}/g;

/** A number without its sign. */
const jsonNumber = /(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

/** The smallest normal double: below it doubles have fewer digits, down to none. */
const leastNormal = 2 ** -1_022;

/**
 * Parses a JSON text of any depth without turning a small number into another: a number too small
 * for a double, such as 1e-400, becomes `Infinity` (`-Infinity`), as one that is too large does.
 * That is not plain JSON, so `isPlainJson` finds the place. Own properties may be called
 * `__proto__`. The time that it takes grows with the text's length alone.
 * @throws SyntaxError
 */
export function parseJson(text: string): unknown {
  const changed = withoutTooSmall(text);
  try {
    return JSON.parse(changed);
  } catch (error) {
    if (changed === text) throw error;
    // The text is as faulty, and has its faults in their places.
    return JSON.parse(text);
  }
}

/** Writes a number too large for a double in the place of each one that is too small. */
function withoutTooSmall(text: string): string {
  let changed = "";
  let copied = 0;
  for (const [start, end] of tooSmallIn(text)) {
    changed += `${text.slice(copied, start)}1e999`;
    copied = end;
  }
  return copied === 0 ? text : changed + text.slice(copied);
}

/**
 * The places of the numbers of a JSON text, without their signs, that are too small for a double.
 * Each part of the text is passed once: strings and numbers that were looked at are jumped over.
 */
function* tooSmallIn(text: string): Generator<readonly [start: number, end: number], void> {
  let quote = text.indexOf('"');
  let at = 0;
  for (;;) {
    perhapsTooSmall.lastIndex = at;
    const found = perhapsTooSmall.exec(text)?.index;
    if (found === undefined) return;
    while (quote >= 0 && quote < found) {
      at = endOfString(text, quote);
      quote = text.indexOf('"', at);
    }
    if (at > found) continue;
    jsonNumber.lastIndex = startOfNumber(text, found, at);
    const [number = ""] = jsonNumber.exec(text) ?? [];
    const end = jsonNumber.lastIndex;
    if (end > found && Number.isNaN(numberOf(number))) yield [end - number.length, end];
    at = Math.max(end, found + 1);
  }
}

/** The place behind a string that begins at a quotation mark; the text's end where it has no end. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; ; at += 1) {
    at = text.indexOf('"', at);
    if (at < 0) return text.length;
    let escapes = 0;
    while (text[at - escapes - 1] === "\\") escapes += 1;
    if (escapes % 2 === 0) return at + 1;
  }
}

/** The place where the digits begin that hold a place. */
function startOfNumber(text: string, within: number, least: number): number {
  let start = within;
  while (start > least && /[\d.]/.test(text[start - 1]!)) start -= 1;
  return start;
}

/** Reads a decimal number; `NaN` where it is too small for a double. */
export function numberOf(decimal: string): number {
  const number = Number(decimal);
  return Math.abs(number) < leastNormal && /^[+-]?[\d.]*[1-9]/.test(decimal) ? NaN : number;
}

/**
 * Longer pointers are cut to the nearest ancestor, so that a client's text is not sent back many
 * times.
 */
const maxPointerLength = 256;

/**
 * Whether JSON can carry a value and give back the same, nested at most `levels` deep: `{}` is one
 * level, a scalar none. A property that is `undefined` counts as absent. Any own property name is
 * fine, `__proto__` too. A number is at most 2^53 - 1 in size: beyond that several whole numbers
 * share one double, so the sent one is lost (RFC 8259, 6).
 */
export function isPlainJson(value: unknown, levels: number): boolean {
  return mostJsonBytes(value, levels) >= 0;
}

/** Code units as JSON: an escape is the longest form of one, in UTF-8 too. */
const unitBytes = 6;
/** A whole number with its sign, or a fraction with its exponent. */
const numberBytes = 25;

/**
 * A bound on the bytes of a value's JSON, in UTF-8, at the cost of `isPlainJson` alone; -1 where it
 * is not plain JSON. Texts without escapes take a third or a sixth of it.
 */
export function mostJsonBytes(value: unknown, levels: number): number {
  if (typeof value === "string") return unitBytes * value.length + 2;
  if (typeof value === "number") return isExactNumber(value) ? numberBytes : -1;
  if (typeof value === "boolean") return 5;
  if (typeof value !== "object") return -1;
  if (value === null) return 4;
  if (levels === 0) return -1;
  let sum = 2;
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      const bytes = mostJsonBytes(value[index], levels - 1);
      if (bytes < 0) return -1;
      sum += bytes + 1;
    }
    return sum;
  }
  if (!isPlainObject(value)) return -1;
  for (const key in value) {
    const property = (value as Record<string, unknown>)[key];
    if (property === undefined) continue;
    const bytes = mostJsonBytes(property, levels - 1);
    if (bytes < 0) return -1;
    sum += unitBytes * key.length + bytes + 4;
  }
  return sum;
}

/** Finds each place where a value is not plain JSON. Adds to `findings`, up to `maxFindings`. */
export function findNotPlain(
  value: unknown,
  levels: number,
  pointer: string,
  findings: Finding[],
): void {
  if (findings.length >= maxFindings) return;
  if (value === null || typeof value === "string" || typeof value === "boolean") return;
  if (typeof value === "number") {
    if (!isExactNumber(value))
      findings.push({ pointer, code: "out_of_range", message: notExactNumber });
  } else if (!Array.isArray(value) && !isPlainObject(value)) {
    findings.push({ pointer, code: "type", message: "this is not a JSON value" });
  } else if (levels === 0) {
    findings.push({ pointer, code: "too_deep", message: "arrays and objects are nested too deep" });
  } else if (Array.isArray(value)) {
    for (let index = 0; index < value.length && findings.length < maxFindings; index++) {
      const item: unknown = value[index];
      if (isPlainJson(item, 0)) continue;
      findNotPlain(item, levels - 1, pointerTo(pointer, String(index)), findings);
    }
  } else {
    for (const key in value) {
      const property = (value as Record<string, unknown>)[key];
      if (property === undefined || isPlainJson(property, 0)) continue;
      findNotPlain(property, levels - 1, pointerTo(pointer, key), findings);
    }
  }
}

/** Whether a double stands for one number only, digits of a fraction aside. False for `NaN`. */
export function isExactNumber(value: number): boolean {
  return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER;
}

/** The error text for a number that is not plain JSON. */
export const notExactNumber =
  "the number is beyond 2^53 or too small for a double, and would not stay the same: send it as a string";

/** The RFC 6901 pointer to a member; the container's own where it would be very long. */
export function pointerTo(container: string, member: string): string {
  if (container.length + member.length >= maxPointerLength) return container;
  return `${container}/${member.replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

/**
 * Whether a value is an object of JSON's kind: no array, no class instance. It looks at the
 * prototype's place, since each realm has prototypes of its own.
 */
export function isPlainObject(value: unknown): value is object {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const prototype = Object.getPrototypeOf(value) as object | null;
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
