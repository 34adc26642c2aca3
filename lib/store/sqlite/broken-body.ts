/**
 * A stored event cannot be read. Once all such events are set aside the call can continue without
 * them.
 */
export class BrokenBody extends Error {
  override readonly name = "BrokenBody";
}

/**
 * Whether an error says that JSON which the store itself wrote is invalid: an error of JavaScript
 * in any realm, or of SQLite.
 */
export function isBrokenJson(error: unknown): boolean {
  if (!(error instanceof Object)) return false;
  const { name, message } = error as Error;
  return name === "SyntaxError" || /malformed JSON/.test(message);
}
