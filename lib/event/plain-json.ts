import type { Finding } from "../errors.ts";
import { maxFindings } from "./limits.ts";

/**
 * Matches a text that may hold a number too small for a double: a large negative exponent, or
 * hundreds of zeros.
 */
const perhapsTooSmall = /\d[eE]-0*[1-9]\d\d|\.0{200}/;

/** The smallest normal double: below it doubles have fewer digits, down to none. */
const leastNormal = 2 ** -1_022;

/**
 * Parses a JSON text without turning a small number into another: a number too small for a double,
 * such as 1e-400, becomes `NaN`, as one that is too large becomes `Infinity`. Neither is plain
 * JSON, so `isPlainJson` finds the place. Own properties may be called `__proto__`.
 * @throws SyntaxError
 */
export function parseJson(text: string): unknown {
  return perhapsTooSmall.test(text)
    ? JSON.parse(text, keepSmall as (key: string, value: unknown) => unknown)
    : JSON.parse(text);
}

/** ECMAScript gives a reviver the text of a scalar, which TypeScript does not know yet. */
function keepSmall(_key: string, value: unknown, { source }: { readonly source?: string }) {
  return typeof value === "number" ? numberOf(source ?? "") : value;
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
  if (typeof value === "string" || typeof value === "boolean") return true;
  if (typeof value === "number") return isExactNumber(value);
  if (typeof value !== "object") return false;
  if (value === null) return true;
  if (levels === 0) return false;
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      if (!isPlainJson(value[index], levels - 1)) return false;
    }
    return true;
  }
  if (!isPlainObject(value)) return false;
  for (const key in value) {
    const property = (value as Record<string, unknown>)[key];
    if (property !== undefined && !isPlainJson(property, levels - 1)) return false;
  }
  return true;
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
