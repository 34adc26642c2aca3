import type { Cell, Column } from "./fold.ts";
import type { Selection } from "./selection.ts";

/** Tells of each row in which selections its event is: bit `i` for the selection `i`, at most 30 of them. */
export interface Marking {
  /** What it reads of each event, from the column `at` on. */
  readonly columns: readonly Column[];
  marksOf(row: readonly Cell[], at: number): number;
}

/** Types are compared here; filters by the store, and only those there are. */
export function markingOf(selections: readonly Selection[]): Marking {
  const ofType = new Map<Cell, number>();
  let ofAny = 0;
  let filtered = 0;
  const filters: Column[] = [];
  const bits: number[] = [];
  selections.forEach(({ type, filters: meets }, i) => {
    const bit = 1 << i;
    if (type === undefined) ofAny |= bit;
    else ofType.set(type, (ofType.get(type) ?? 0) | bit);
    if (meets === undefined) return;
    filtered |= bit;
    filters.push({ meets });
    bits.push(bit);
  });
  return {
    columns: [{ field: "type" }, ...filters],
    marksOf(row, at) {
      const marks = ofAny | (ofType.get(row[at]) ?? 0);
      if ((marks & filtered) === 0) return marks;
      let kept = marks & ~filtered;
      for (let i = 0; i < bits.length; i++) if (row[at + 1 + i]) kept |= marks & bits[i]!;
      return kept;
    },
  };
}
