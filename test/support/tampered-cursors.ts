/**
 * Values that no cursor has in any of its places: instants beyond the years 1 to 9999, ids that no
 * event has, offsets that no answer has, scopes of no question, and values of other kinds.
 */
export const foreignParts: readonly unknown[] = [
  ...[8_640_000_000_000_000, 8_640_000_000_000_002, 9e15, -9e15, -8_640_000_000_000_001],
  ...[Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 2 ** 53 + 2, 1e21, 1e300],
  ...[0.5, -0.5, 1e-300, 253_402_300_799_999.5],
  ...[null, true, false, [], [1], {}, { a: 1 }],
  ...["two words", "tab\t", "nul\0", "\ud800", "é", "x".repeat(129), "😀"],
];

/** The parts of a cursor. */
export function partsIn(cursor: string): readonly unknown[] {
  return JSON.parse(Buffer.from(cursor, "base64url").toString()) as readonly unknown[];
}

/** Parts as a cursor. */
export function cursorWith(parts: readonly unknown[]): string {
  return Buffer.from(JSON.stringify(parts)).toString("base64url");
}

/** A cursor with each of its parts replaced by each foreign value, or left out, and with one more. */
export function tamperedOf(cursor: string): readonly string[] {
  const parts = partsIn(cursor);
  const replaced = parts.flatMap((_, i) => foreignParts.map((value) => parts.with(i, value)));
  const shortened = parts.map((_, i) => parts.toSpliced(i, 1));
  return [...replaced, ...shortened, [...parts, 1], [], [parts]]
    .map(cursorWith)
    .concat([
      `${cursor}=`,
      `${cursor}~`,
      `~${cursor}`,
      cursor.slice(1),
      cursor.slice(0, -1),
      Buffer.from(` ${JSON.stringify(parts)}`).toString("base64url"),
      Buffer.from("[".repeat(700)).toString("base64url"),
    ]);
}
