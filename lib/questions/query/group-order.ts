/** A column that rows are ordered by; columns are the dimensions, then the metrics. */
export interface Order {
  readonly column: number;
  readonly descending: boolean;
}

interface Ordered {
  readonly dimensions: readonly (string | number)[];
  readonly metrics: readonly (number | null)[];
  /** Whether the period of the row is missing; such rows come last where the period orders them. */
  readonly isGone?: boolean;
}

/**
 * Compares two groups, for a sort. Missing values come last in either direction; ties are ordered
 * by the dimensions, so only equal groups are equal.
 */
export function compareGroups(orderBy: readonly Order[], a: Ordered, b: Ordered): number {
  const dimensions = a.dimensions.length;
  for (const { column, descending } of orderBy) {
    const at = column - dimensions;
    if (at < 0 && typeof a.dimensions[column] === "number" && a.isGone !== b.isGone) {
      return a.isGone === true ? 1 : -1;
    }
    const x = at < 0 ? a.dimensions[column]! : a.metrics[at]!;
    const y = at < 0 ? b.dimensions[column]! : b.metrics[at]!;
    if (x === null || y === null) {
      if (x !== y) return x === null ? 1 : -1;
    } else if (x !== y) {
      return x < y === descending ? 1 : -1;
    }
  }
  for (let i = 0; i < dimensions; i++) {
    const x = a.dimensions[i]!;
    const y = b.dimensions[i]!;
    if (x !== y) return x < y ? -1 : 1;
  }
  return 0;
}

/** The first items of an order, in this order: what a sort of all begins with, in less time. */
export function firstOf<T>(
  items: readonly T[],
  count: number,
  compare: (a: T, b: T) => number,
): readonly T[] {
  const kept: T[] = [];
  let last: T | undefined;
  for (const item of items) {
    if (last !== undefined && compare(item, last) >= 0) continue;
    kept.push(item);
    if (kept.length < 2 * count) continue;
    kept.sort(compare).length = count;
    last = kept.at(-1);
  }
  return kept.sort(compare).slice(0, count);
}

/** The first groups of an order. */
export interface Top {
  readonly orderBy: readonly Order[];
  readonly groups: number;
}

/** The groups that an answer shows, which cross between threads sooner than all, and how many are left. */
export function topOf<Group extends Ordered>(
  groups: readonly Group[],
  top: Top | undefined,
): { readonly groups: readonly Group[]; readonly groupsLeft?: number } {
  if (top === undefined) return { groups };
  const shown = firstOf(groups, top.groups, (a, b) => compareGroups(top.orderBy, a, b));
  return { groups: shown, groupsLeft: groups.length - shown.length };
}
