import type { StoredEvent } from "./event.ts";

/** Shown in place of a value that cannot be shown. */
export const none = "(none)";

/**
 * The text under which a property is shown and counted: `(none)` where it is missing, null, an
 * object or an array; numbers and booleans as text. Lone surrogates become U+FFFD, since not every
 * store keeps them. A text that looks like the service's own `(none)` or `(other)` gets a backslash
 * before it.
 */
export function shownValue(property: unknown): string {
  if (typeof property === "string") return shownText(property);
  if (typeof property === "number" || typeof property === "boolean") return String(property);
  return none;
}

/**
 * The service's own texts, also with backslashes before them, so that no two texts are shown alike.
 */
const ownTexts = /^\\*\((?:none|other)\)$/;

function shownText(text: string): string {
  return isShownPlain(text) || !ownTexts.test(text) ? text.toWellFormed() : `\\${text}`;
}

/**
 * Whether a text is surely shown as it is, but for its lone surrogates. Most texts are: they begin
 * neither with "(" nor with a backslash.
 */
export function isShownPlain(text: string): boolean {
  const first = text.charCodeAt(0);
  return first !== 0x28 && first !== 0x5c;
}

/** The text that is shown in this way, where the shown value was a text. */
export function sentText(shown: string): string {
  return shown.startsWith("\\") && ownTexts.test(shown) ? shown.slice(1) : shown;
}

/**
 * The texts, numbers and booleans that are shown as this text; `undefined` where they are too many
 * to list.
 */
export function shownAs(text: string): readonly (string | number | boolean)[] | undefined {
  if (text.includes("\ufffd")) return undefined;
  if (!text.isWellFormed()) return [];
  if (ownTexts.test(text)) return text.startsWith("\\") ? [sentText(text)] : [];
  if (text === "true" || text === "false") return [text, text === "true"];
  const number = Number(text);
  return Number.isFinite(number) && String(number) === text ? [text, number] : [text];
}

/** The text under which an event counts for `source`, or for a path such as `data.plan`. */
export function valueOf(event: StoredEvent, dimension: string): string {
  return valueReader(dimension)(event);
}

/** Returns `valueOf` for one dimension, prepared for many events. */
export function valueReader(dimension: string): (event: StoredEvent) => string {
  const [root, ...path] = dimension.split(".") as [keyof StoredEvent, ...string[]];
  return (event) => {
    let at: unknown = event[root];
    for (const segment of path) {
      // Arrays are values here, not maps of indexes; only own keys are properties.
      if (typeof at !== "object" || at === null || Array.isArray(at)) return none;
      if (!Object.hasOwn(at, segment)) return none;
      at = (at as Readonly<Record<string, unknown>>)[segment];
    }
    return shownValue(at);
  };
}
