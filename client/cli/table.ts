/** A cell: numbers are aligned to the right, `null` is a dash. */
export type Cell = string | number | null;

/** Rows under a head, in columns as wide as they need. */
export function tableText(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const texts = rows.map((row) => row.map(cellText));
  const widths = head.map((name, column) =>
    Math.max(name.length, ...texts.map((row) => row[column]?.length ?? 0)),
  );
  const isNumeric = head.map(
    (_, column) => rows.length > 0 && rows.every((row) => typeof (row[column] ?? 0) === "number"),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (isNumeric[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join("  ")
      .trimEnd();
  return [line(head), ...texts.map(line)].join("\n");
}

function cellText(cell: Cell): string {
  if (cell === null) return "-";
  if (typeof cell === "string") return printable(cell);
  return Number.isInteger(cell) ? grouped(cell) : String(Number(cell.toPrecision(6)));
}

/** 1234567 as 1,234,567. */
export function grouped(count: number): string {
  return count.toLocaleString("en-US");
}

/** Removes characters that a terminal takes for commands: strangers write events. */
export function printable(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, "\ufffd");
}
