/** A table of texts and numbers, the first row its head. */
export type CsvTable = readonly (readonly (string | number | null | undefined)[])[];

/**
 * Spreadsheets run cells that begin in this way: they get an apostrophe, except plain numbers (as
 * in the API's export).
 */
const formula = /^[=+\-@＝＋－＠\t\r\n]/u;
const plainNumber = /^[+-]?\d+(\.\d+)?(e[+-]?\d+)?$/i;

/** A table as CSV (RFC 4180). */
export function csvText(rows: CsvTable): string {
  return rows
    .map((row) => row.map((cell) => csvCell(cell)).join(","))
    .map((line) => `${line}\r\n`)
    .join("");
}

function csvCell(value: string | number | null | undefined): string {
  if (value === null || value === undefined) return "";
  const text = String(value);
  const guarded = formula.test(text) && !plainNumber.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(guarded) ? `"${guarded.replaceAll('"', '""')}"` : guarded;
}
