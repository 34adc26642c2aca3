import { isCutSection, type Section, type SectionRow, type Sum } from "../../counting/cells.ts";
import { readCells, readSections } from "../cells-json.ts";
import type { SectionText, SumText } from "./deltas.ts";

const texts = new WeakMap<Sum, string>();

/** A sum that came from a thread. Its cells are parsed from their JSON only when they are read. */
export function sumOf({ v, cells: json }: SumText): Sum {
  let cells: Sum["cells"] | undefined;
  const sum = {
    v,
    get cells() {
      return (cells ??= readCells(json));
    },
  };
  texts.set(sum, json);
  return sum;
}

/** The JSON of a sum's cells; for one that `sumOf` made, the same text that it came as. */
export function jsonOf(sum: Sum): string {
  return texts.get(sum) ?? JSON.stringify(sum.cells);
}

export function sectionRows<S extends Section>(
  section: S,
  rows: readonly SectionText[],
): readonly SectionRow<S>[] {
  const jsons = rows.map(([, json]) => json);
  const all = readSections(section, jsons);
  return rows.map(([start], i) => {
    const cells = all[i]!;
    return { start, cells, exact: !isCutSection(section, cells) };
  });
}
