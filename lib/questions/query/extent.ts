import type { Cell, Column, Fold } from "../fold.ts";

/** Asks for the first and the last instant of some events. */
export interface ExtentJob {
  readonly kind: "extent";
}

/** The two instants in epoch milliseconds; absent where there are no events. */
export interface Extent {
  readonly first?: number;
  readonly last?: number;
}

export function extentFold(): Fold<Extent> {
  let first = Infinity;
  let last = -Infinity;
  return {
    columns: [{ field: "timestamp" }] satisfies readonly Column[],
    add([timestamp]: readonly Cell[]) {
      first = Math.min(first, timestamp as number);
      last = Math.max(last, timestamp as number);
    },
    partial: () => [first, last].filter(Number.isFinite),
    merge(ends: readonly number[]) {
      first = Math.min(first, ...ends);
      last = Math.max(last, ...ends);
    },
    finish: () => (first <= last ? { first, last } : {}),
  };
}
