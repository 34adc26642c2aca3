/** What has no value that could be shown. */
export const none = "(none)";

/**
 * The text that a property is shown and counted under: `(none)` where it is missing, null, an
 * object or an array; numbers and booleans as text. Lone surrogates are replaced by U+FFFD, as not
 * every store keeps those. A text that reads as what answers say themselves, `(none)` or `(other)`,
 * has a backslash before it.
 */
export function shownValue(property: unknown): string {
  if (typeof property === "string") return shownText(property);
  if (typeof property === "number" || typeof property === "boolean") return String(property);
  return none;
}

/** Also with backslashes before it, so that no two texts are shown alike. */
const said = /^\\*\((?:none|other)\)$/;

function shownText(text: string): string {
  const first = text.charCodeAt(0);
  // "(" or "\\": all others are in a hurry.
  return (first === 0x28 || first === 0x5c) && said.test(text) ? `\\${text}` : text.toWellFormed();
}

/** The text that is shown so, where a text is. */
export function sentText(shown: string): string {
  return shown.startsWith("\\") && said.test(shown) ? shown.slice(1) : shown;
}

/**
 * The properties that are shown as a text, but for what is shown as `(none)` without being this
 * text; `undefined` where they are too many to tell.
 */
export function shownAs(text: string): readonly (string | number | boolean)[] | undefined {
  if (text.includes("\ufffd")) return undefined;
  if (!text.isWellFormed()) return [];
  if (said.test(text)) return text.startsWith("\\") ? [sentText(text)] : [];
  if (text === "true" || text === "false") return [text, text === "true"];
  const number = Number(text);
  return Number.isFinite(number) && String(number) === text ? [text, number] : [text];
}
