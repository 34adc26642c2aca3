import type { Period } from "./calendar.ts";
import { grainMs, grains, startOf, type Grain } from "./bucket.ts";
import type { Section, SectionRow } from "./cells.ts";
import type { Cover } from "./cover.ts";
import type { Range } from "../event/filter.ts";

/** A period, as far as a cover needs it. */
export type Column = Pick<Period, "start" | "end">;

/** A row that a cover leads to. */
export interface CoveredRow<S extends Section> {
  readonly row: SectionRow<S>;
  /** How long the row's bucket is; 0 for one that was counted from events. */
  readonly lengthMs: number;
}

/** A cover, with the rows of a section of some of its buckets. */
export interface CoveredPart<S extends Section> {
  readonly cover: Cover;
  readonly rows: readonly CoveredRow<S>[];
  /** What of the cover is not in `rows`. */
  readonly rest: Cover;
}

/** The buckets of a cover that are read in one way, as ranges. */
export interface CoverSource {
  /** Whether they are marked minutes, of which the deltas are summed, or rollups. */
  readonly isMarked: boolean;
  readonly grain: Grain;
  readonly ranges: readonly Range[];
}

/** The rollups and deltas of a cover, in the order in which they must be read (docs/protocol.md). */
export function sourcesOf({ rollups, deltas }: Cover): readonly CoverSource[] {
  const minutes = deltas.map((start) => ({ from: start, to: start + grainMs.minute }));
  return [
    ...grains.map((grain) => ({ isMarked: false, grain, ranges: rollups[grain] })),
    { isMarked: true, grain: "minute", ranges: minutes },
  ];
}

/** The days around the first and the last column: which buckets are settled is told by their marks. */
export function markedDays(columns: readonly Column[]): Range {
  // A bucket counts as settled only where the marks of its parents and children are known too.
  const [first, last] = [columns[0]!, columns.at(-1)!];
  return { from: startOf("day", first.start), to: startOf("day", last.end) + grainMs.day };
}

/**
 * How many buckets of a grain are read at a time: first, and at most. In between each read has up to
 * four times as many as the one before.
 */
export const bucketsAtOnce = { first: 64, most: 4_096 };

/** Splits ranges into their first `lengthMs` milliseconds and the rest. */
export function parted(
  ranges: readonly Range[],
  lengthMs: number,
): readonly [part: readonly Range[], rest: readonly Range[]] {
  let left = lengthMs;
  for (const [i, { from, to }] of ranges.entries()) {
    if (to - from >= left) {
      const end = from + left;
      const rest = ranges.slice(i + 1);
      return [
        [...ranges.slice(0, i), { from, to: end }],
        end < to ? [{ from: end, to }, ...rest] : rest,
      ];
    }
    left -= to - from;
  }
  return [ranges, []];
}
