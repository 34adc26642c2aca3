/** What has no value that could be shown. */
export const none = "(none)";

/**
 * The text that a property is shown and counted under: `(none)` where it is missing, null, an object or an array;
 * numbers and booleans as text. Lone surrogates are replaced by U+FFFD, as not every store keeps those.
 */
export function shownValue(property: unknown): string {
  if (typeof property === "string") return property.toWellFormed();
  if (typeof property === "number" || typeof property === "boolean") return String(property);
  return none;
}

/** The texts that the elements of a list are shown under, each once; of no elements `(none)`. */
export function shownValues(elements: readonly unknown[]): readonly string[] {
  return elements.length === 0 ? [none] : [...new Set(elements.map(shownValue))];
}

/**
 * The properties that are shown as a text, but for what is shown as `(none)` without being this text;
 * `undefined` where they are too many to tell.
 */
export function shownAs(text: string): readonly (string | number | boolean)[] | undefined {
  if (text.includes("\ufffd")) return undefined;
  if (!text.isWellFormed()) return [];
  if (text === "true" || text === "false") return [text, text === "true"];
  const number = Number(text);
  return Number.isFinite(number) && String(number) === text ? [text, number] : [text];
}
