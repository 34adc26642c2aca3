import { coverAll, type Marks } from "../counting/cover.ts";
import type { OpenRange, EventFilter, EventQuery, Range } from "../event/filter.ts";
import { grainMs, grains, startOf } from "../counting/bucket.ts";
import {
  coveredRows,
  isLost,
  marksOf,
  type FoldableReads,
  type ProjectReads,
} from "./rollup-reads.ts";
import { withinBudget } from "./budget.ts";
import type { SectionRow } from "../counting/cells.ts";
import { maxPeriods, periodsUpTo, type Interval, type Period } from "../counting/calendar.ts";
import { describeSpan } from "../questions/answer-meta.ts";
import { ServiceError } from "../errors.ts";

type Narrowing = Omit<EventFilter, "project" | "from" | "to">;

/** How the rows of a section show whether there are events that a question is about. */
interface Sought {
  readonly section: string;
  /** The same events, as a filter. */
  readonly filter: Narrowing;
  /** Whether cells count such events. */
  readonly isIn: (cells: SectionRow<string>["cells"]) => boolean;
  /** Whether cells of a cut row may count such events under `(other)`. */
  readonly mayBeIn: (cells: SectionRow<string>["cells"]) => boolean;
}

/** A bucket with such events; `isSure` is false where only a cut row may count some. */
interface Found extends Range {
  readonly isSure: boolean;
}

/**
 * Closes the open ends of a range around the events of some types, to whole minutes. Reads only an
 * index.
 * @returns `undefined` where there are no such events
 */
export async function closedRange(
  { store, project }: ProjectReads,
  { from, to }: OpenRange,
  types: readonly string[] | undefined,
): Promise<Range | undefined> {
  if (from !== undefined && to !== undefined) return { from, to };
  const end = async (order: EventQuery["order"]) =>
    (await store.events({ project, types, from, to, order, limit: 1 }))[0]?.timestamp;
  const found = await Promise.all([end("asc"), end("desc")]);
  const [first, last] = withLost(found, store.lost?.(types), { from, to });
  if (first === undefined || last === undefined) return undefined;
  return aroundMinutes({ from, to }, first, last);
}

/** Extends a range to the days of dropped events, which rollups may still count. */
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

/**
 * As `closedRange`, for the events of any filter. Reads events, within the question's budget.
 * @param within a range that has all of them
 */
export async function closedByEvents(
  reads: FoldableReads,
  open: OpenRange,
  filter: Narrowing,
  within = open,
): Promise<Range | undefined> {
  const { result } = await reads.analyze({ ...filter, ...within }, { kind: "extent" });
  const { first, last } = result;
  return first === undefined || last === undefined ? undefined : aroundMinutes(open, first, last);
}

/**
 * As `closedRange`, for the events that a section of the rollups counts. It reads rollups down to
 * minutes, but only of the first and the last bucket with such events. Where one of these is cut
 * and only may count some, it reads events; where these are too many, or some were dropped, the
 * bucket is taken for one that does.
 * @param within the range closed around a larger set of events
 */
export async function closedByRollups(
  reads: FoldableReads,
  open: OpenRange,
  within: Range,
  sought: Sought,
): Promise<Range | undefined> {
  const marks = await marksOf(reads.store, reads.project, within);
  const outer = await bucketsOf(reads, within, marks, sought);
  if (outer.length === 0) return undefined;
  const first = await narrowed(reads, outer[0]!, marks, sought, 0);
  const last = await narrowed(reads, outer.at(-1)!, marks, sought, -1);
  const range = { from: open.from ?? first.from, to: open.to ?? last.to };
  const isSure =
    (open.from !== undefined || first.isSure) && (open.to !== undefined || last.isSure);
  if (isSure || isLost(reads, sought.filter.types)(range)) return range;
  return withinBudget(async (budget) =>
    budget === "rollups" ? range : closedByEvents(reads, open, sought.filter, range),
  );
}

function aroundMinutes({ from, to }: OpenRange, first: number, last: number): Range {
  return {
    from: from ?? startOf("minute", first),
    to: to ?? startOf("minute", last) + grainMs.minute,
  };
}

/**
 * The first or the last of the smallest buckets, within a larger one, that count such events; no
 * smaller than those that retention has left.
 */
async function narrowed(
  reads: FoldableReads,
  bucket: Found,
  marks: Marks,
  sought: Sought,
  end: 0 | -1,
): Promise<Found> {
  const grain = grains.find((one) => one !== "minute" && grainMs[one] === bucket.to - bucket.from);
  if (grain === undefined) return bucket;
  const smaller = grain === "day" ? "hour" : "minute";
  if (reads.store.hasDropped?.(smaller, bucket) === true) return bucket;
  // The bucket is treated as marked, so that the buckets within it are read.
  const within = await bucketsOf(
    reads,
    bucket,
    { ...marks, [grain]: [...marks[grain], bucket.from] },
    sought,
  );
  const found = within.at(end);
  return found === undefined ? bucket : narrowed(reads, found, marks, sought, end);
}

/** The buckets of a range that count such events, ascending. */
async function bucketsOf(
  reads: FoldableReads,
  range: Range,
  marks: Marks,
  { section, isIn, mayBeIn }: Sought,
): Promise<readonly Found[]> {
  const found: Found[] = [];
  const cover = coverAll([{ start: range.from, end: range.to }], marks);
  for await (const { row, lengthMs } of coveredRows(reads, { cover, section })) {
    const isSure = isIn(row.cells);
    if (!isSure && (row.exact || !mayBeIn(row.cells))) continue;
    const to = row.start + (lengthMs || grainMs.minute);
    found.push({ from: row.start, to: Math.min(to, range.to), isSure });
  }
  return found.sort((a, b) => a.from - b.from);
}

/**
 * The periods of a series.
 * @param pointer what the question calls its interval
 * @param open the range as it was asked for; `range` is the same with its open ends closed
 * @throws ServiceError VALIDATION where there would be more than `maxPeriods`; the message has both
 * ends of the range, so that a single event far from the others is found
 */
export function seriesOf(
  pointer: string,
  { interval, timezone }: { readonly interval: Interval; readonly timezone: string },
  open: OpenRange,
  range: Range,
): readonly Period[] {
  const found = periodsUpTo(maxPeriods, interval, timezone, range);
  if ("periods" in found) return found.periods;
  const message = `the range ${describeSpan(open, range)} has at least ${found.atLeast} periods of a ${interval}; at most ${maxPeriods} are answered: give a shorter range or choose a longer interval`;
  throw new ServiceError("VALIDATION", undefined, {
    errors: [{ pointer, code: "too_many_periods", message }],
  });
}
