import { printable } from "./printable.ts";

/** A cell: numbers are aligned to the right and keep their digits, `null` is a dash. */
export type Cell = string | number | null;

/** Rows under a head, in columns as wide as they need. */
export function tableText(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const names = head.map(printable);
  const texts = rows.map((row) => row.map(cellText));
  const widths = names.map((name, column) =>
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
  return [line(names), ...texts.map(line)].join("\n");
}

function cellText(cell: Cell): string {
  if (cell === null) return "-";
  if (typeof cell === "string") return printable(cell);
  return Number.isInteger(cell) ? grouped(cell) : String(cell);
}

/** 1234567 as 1,234,567. */
export function grouped(count: number): string {
  return count.toLocaleString("en-US");
}
