import { breakdownFold, type Breakdown, type BreakdownJob } from "./breakdown.ts";
import type { Fold } from "./fold.ts";

/** What can be computed where the events are. A job is plain data with its kind's name, and so is a result. */
export interface Folds {
  readonly breakdown: { readonly job: BreakdownJob; readonly result: Breakdown };
}

export type FoldKind = keyof Folds;
export type FoldJob<K extends FoldKind = FoldKind> = Folds[K]["job"];
export type FoldResult<K extends FoldKind = FoldKind> = Folds[K]["result"];

const makers: { readonly [K in FoldKind]: (job: FoldJob<K>) => Fold<FoldResult<K>> } = {
  breakdown: breakdownFold,
};

/** Begin the fold that a job asks for. */
export function foldOf<K extends FoldKind>(job: FoldJob<K>): Fold<FoldResult<K>> {
  return makers[job.kind](job);
}
