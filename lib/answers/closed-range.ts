import { coverAll, type Marks } from "../counting/cover.ts";
import type { OpenRange, EventFilter, EventQuery, Range } from "../event/filter.ts";
import { grainMs, grains, startOf } from "../counting/bucket.ts";
import type { FoldedSource, Source } from "./source.ts";
import { coveredRows, marksOf } from "./rollup-reads.ts";
import type { SectionRow } from "../counting/cells.ts";

type Narrowing = Omit<EventFilter, "project" | "from" | "to">;

/** What of a section tells whether there are events that a question is about. */
interface Sought {
  readonly section: string;
  /** Whether a row has, or may have, some of them. */
  readonly isIn: (row: SectionRow<string>) => boolean;
}

/**
 * A range, its open ends closed around the events of some types: whole minutes. Looks at an index
 * alone.
 * @returns `undefined` where there are none
 */
export async function closedRange(
  { store, project }: Source,
  { from, to }: OpenRange,
  types: readonly string[] | undefined,
): Promise<Range | undefined> {
  if (from !== undefined && to !== undefined) return { from, to };
  const end = async (order: EventQuery["order"]) =>
    (await store.events({ project, types, from, to, order, limit: 1 }))[0]?.timestamp;
  const found = await Promise.all([end("asc"), end("desc")]);
  const [first, last] = withLost(found, store.lost, { from, to });
  if (first === undefined || last === undefined) return undefined;
  return aroundMinutes({ from, to }, first, last);
}

/** Rollups tell also of events that were dropped: around the days of these, too. */
function withLost(
  [first, last]: readonly (number | undefined)[],
  lost: Range | undefined,
  { from = -Infinity, to = Infinity }: OpenRange,
): readonly (number | undefined)[] {
  if (lost === undefined || lost.from >= to || lost.to <= from) return [first, last];
  return [
    Math.max(from, Math.min(first ?? Infinity, lost.from)),
    Math.max(last ?? -Infinity, Math.min(to, lost.to) - 1),
  ];
}

/** The same around the events of any filter. Reads them, within the question's budget. */
export async function closedByEvents(
  asking: FoldedSource,
  open: OpenRange,
  filter: Narrowing,
): Promise<Range | undefined> {
  const { first, last } = (await asking.analyze({ ...filter, ...open }, { kind: "extent" })).result;
  return first === undefined || last === undefined ? undefined : aroundMinutes(open, first, last);
}

/**
 * The same around the events that a section of the rollups counts. Reads the rollups of the first
 * and the last bucket that has some, down to minutes; where a cut bucket may have some, it counts
 * as one.
 * @param within the range closed around more events than these
 */
export async function closedByRollups(
  asking: FoldedSource,
  open: OpenRange,
  within: Range,
  sought: Sought,
): Promise<Range | undefined> {
  const marks = await marksOf(asking.store, asking.project, within);
  const outer = await bucketsOf(asking, within, marks, sought);
  if (outer.length === 0) return undefined;
  const { from } = await narrowed(asking, outer[0]!, marks, sought, 0);
  const { to } = await narrowed(asking, outer.at(-1)!, marks, sought, -1);
  return { from: open.from ?? from, to: open.to ?? to };
}

function aroundMinutes({ from, to }: OpenRange, first: number, last: number): Range {
  return {
    from: from ?? startOf("minute", first),
    to: to ?? startOf("minute", last) + grainMs.minute,
  };
}

/** The first or last of the smallest buckets within one that has some. */
async function narrowed(
  asking: FoldedSource,
  bucket: Range,
  marks: Marks,
  sought: Sought,
  end: 0 | -1,
): Promise<Range> {
  const grain = grains.find((one) => one !== "minute" && grainMs[one] === bucket.to - bucket.from);
  if (grain === undefined) return bucket;
  // Treat the bucket as marked: then the buckets within it are read.
  const within = await bucketsOf(
    asking,
    bucket,
    { ...marks, [grain]: [...marks[grain], bucket.from] },
    sought,
  );
  const found = within.at(end);
  return found === undefined ? bucket : narrowed(asking, found, marks, sought, end);
}

/** The buckets of a range that have some, ascending. */
async function bucketsOf(
  asking: FoldedSource,
  range: Range,
  marks: Marks,
  { section, isIn }: Sought,
): Promise<readonly Range[]> {
  const found: Range[] = [];
  const cover = coverAll([{ start: range.from, end: range.to }], marks);
  for await (const { row, lengthMs } of coveredRows(asking, { cover, section })) {
    if (!isIn(row)) continue;
    const to = row.start + (lengthMs || grainMs.minute);
    found.push({ from: row.start, to: Math.min(to, range.to) });
  }
  return found.sort((a, b) => a.from - b.from);
}
