/** Characters that a terminal takes for commands, or that turn the order of a line around. */
// eslint-disable-next-line no-control-regex
const commanding = /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g;

/** Those that JSON may hold as they are; the others it escapes, or has between its values. */
const unescaped = /[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g;

/** Replaces characters that a terminal takes for commands: strangers write events. */
export function printable(text: string): string {
  return text.replace(commanding, "\ufffd");
}

/** A value as JSON, with the same characters escaped: it means the same. */
export function printableJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, undefined, indent).replace(
    unescaped,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
