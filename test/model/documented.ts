import { readFileSync } from "node:fs";

/** The cells of the row of docs/protocol.md that begins with this name. */
export function documented(name: string): readonly string[] {
  const page = readFileSync(new URL("../../docs/protocol.md", import.meta.url), "utf8");
  const row = page.split("\n").find((line) => line.startsWith(`| ${name} |`));
  return row?.split("|").map((cell) => cell.trim()) ?? [];
}
