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
