/** Values of filters: texts of the address, and the values of events that each stands for. */

export type Scalar = string | number | boolean | null;

/** A value without its mark, and the kind that it is marked with: `n:10` is the number alone. */
interface Marked {
  readonly kind: "text" | "number" | "boolean" | undefined;
  readonly text: string;
}

/** A mark that its kind cannot follow, as in `n:abc`, is a part of the text. */
function readMark(value: string): Marked {
  const text = value.slice(2);
  if (value.startsWith("s:")) return { kind: "text", text };
  if (value.startsWith("n:") && numberIn(text) !== undefined) return { kind: "number", text };
  if (value.startsWith("b:") && isBoolean(text)) return { kind: "boolean", text };
  return { kind: undefined, text: value };
}

export function withoutMark(value: string): string {
  return readMark(value).text;
}

/** Whether a value is not marked. */
export function isPlain(value: string): boolean {
  return readMark(value).kind === undefined;
}

function isBoolean(text: string): boolean {
  return text === "true" || text === "false";
}

const leastNormal = 2 ** -1_022;

/**
 * The number that a text spells, as the API reads it. `undefined` also for a number that no event
 * can have, beyond 2^53 or too small for a double: such digits are an id that was sent as a text.
 */
export function numberIn(text: string): number | undefined {
  if (!/^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(text)) return undefined;
  const number = Number(text);
  const isTooSmall = Math.abs(number) < leastNormal && /^-?[\d.]*[1-9]/.test(text);
  return Math.abs(number) > Number.MAX_SAFE_INTEGER || isTooSmall ? undefined : number;
}

/** What a text stands for: itself, and the number, truth value or null that it spells. */
export function spelledBy(text: string): readonly Scalar[] {
  if (isBoolean(text)) return [text, text === "true"];
  if (text === "null") return [text, null];
  const number = numberIn(text);
  return number === undefined ? [text] : [text, number];
}

/** What a value stands for: where it is marked that kind alone, else all that its text spells. */
export function spelled(value: string): readonly Scalar[] {
  const { kind, text } = readMark(value);
  switch (kind) {
    case "text":
      return [text];
    case "number":
      return [numberIn(text)!];
    case "boolean":
      return [text === "true"];
    default:
      return spelledBy(text);
  }
}

/** What an order compares with: a number where a value spells one, else its text. */
export function operand(value: string): string | number {
  const { kind, text } = readMark(value);
  return kind === "text" ? text : (numberIn(text) ?? text);
}

/** Writes a value of an event as a text that means its kind alone. */
export function marked(value: string | number | boolean): string {
  return `${(typeof value).charAt(0)}:${value}`;
}

/**
 * The text that was sent, by the text of its row: one that looks like the service's own has a
 * backslash there.
 */
export function sentText(shown: string): string {
  return /^\\+\((?:none|other)\)$/.test(shown) ? shown.slice(1) : shown;
}
