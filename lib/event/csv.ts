/**
 * One record of CSV (RFC 4180), with its CRLF. A text is quoted where it has to be; a number or boolean
 * stands as it is, `null` and `undefined` as an empty field, anything else as its JSON.
 *
 * Spreadsheets take a cell that begins with `=`, `+`, `-`, `@`, a tab or a line break for a formula, and may run
 * it. Such a text gets an apostrophe in front (OWASP, CSV Injection), unless it is a plain number.
 */
export function csvRecord(values: readonly unknown[]): string {
  return `${values.map((value) => field(value)).join(",")}\r\n`;
}

/** The full-width forms are read as their ASCII ones where the language is Japanese or Chinese. */
const formula = /^[=+\-@\t\r\n＝＋－＠]/;
const plainNumber = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;
const special = /[",\r\n]|^\s|\s$/;

function field(value: unknown): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const safe = formula.test(text) && !plainNumber.test(text) ? `'${text}` : text;
  return special.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
