import type { Period } from "../counting/calendar.ts";
import { coverAll, type Cover, type Marks, assign } from "../counting/cover.ts";
import {
  bucketsAtOnce,
  markedDays,
  parted,
  sourcesOf,
  type Column,
  type CoveredPart,
  type CoveredRow,
} from "../counting/cover-parts.ts";
import {
  OTHER,
  sectionOf,
  type Section,
  type SectionRow,
  NONE,
  record,
} from "../counting/cells.ts";
import { cellsOf } from "../counting/delta.ts";
import { grainMs, type Grain } from "../counting/bucket.ts";
import type { ProjectId, StoredEvent } from "../event/event.ts";
import type { EventFilter, EventQuery, Range } from "../event/filter.ts";
import type { EventPage } from "../event/event-page.ts";
import type { FoldJob, FoldKind } from "../questions/folds.ts";
import type { Analyzed, EventStore } from "../store/store.ts";
import { pathOf } from "../counting/dimensions.ts";
import { maxGroups } from "./plan.ts";

/** The reads of a store from which answers are made. */
export type EventReads = Pick<EventStore, "events" | "marks" | "rollups" | "deltaSums"> & {
  page(query: EventQuery): Promise<EventPage>;
  /** The range in which events of some types, or of any, were dropped. */
  lost?(types?: readonly string[]): Range | undefined;
  /** Whether rollups of a grain were dropped within a range. */
  hasDropped?(grain: Grain, range: Range): boolean;
  /** The store's `covered`; `undefined` where it has none. */
  covered?<S extends Section>(
    project: ProjectId,
    columns: readonly Column[],
    section: S,
  ): Promise<CoveredPart<S> | undefined>;
};

/** A project, and the reads of its store. */
export interface ProjectReads {
  readonly store: EventReads;
  readonly project: ProjectId;
}

/** Reads with which a question's events can also be folded, within the question's budget. */
export interface FoldableReads extends ProjectReads {
  /** @throws ServiceError QUERY_TOO_EXPENSIVE, TOO_MANY_REQUESTS */
  analyze<K extends FoldKind>(
    filter: Omit<EventFilter, "project">,
    job: FoldJob<K>,
  ): Promise<Analyzed<K> & { readonly estimate: number }>;
}

/**
 * The buckets and ranges of a cover that are to be read; no bucket crosses the boundary of a
 * column.
 */
export interface SectionReading extends Counting {
  readonly cover: Cover;
  /** Rows that were read together with the marks. */
  readonly ahead?: CoveredPart<Section> | undefined;
  /** Whether the question needs what these cells sum under `(other)`. Called for cut rows only. */
  readonly needs: (cells: SectionRow<string>["cells"]) => boolean;
}

/** The result of reading rows. */
export interface Covered {
  /** Whether rows stayed cut though the question needs what was cut. */
  readonly isCut: boolean;
  readonly source: "rollup" | "events" | "mixed";
  /** The events that were read in place of cut rows. */
  readonly events?: EventsRead;
}

/** About how many cells are read at a time. */
const cellsAtOnce = 50_000;

/** The weight of a sketch of users, in cells. */
const sketchWeight = 100;
const pageSize = 1_000;

/** Reads the marks around a range. */
export function marksOf(store: EventReads, project: ProjectId, range: Range): Promise<Marks> {
  return store.marks(project, markedDays([{ start: range.from, end: range.to }]));
}

/** The parts that make up a range, by the marks at the time of the look-up. */
export interface Rollups<S extends Section> {
  /** No bucket of it crosses the boundary of a column. */
  readonly cover: Cover;
  readonly columns: readonly Column[];
  readonly section: S;
  /** Rows of the section that were read together with the marks. */
  readonly ahead: CoveredPart<S> | undefined;
}

/** The most columns that are sent to a store's threads. */
const maxColumnsAhead = 1_000;

/**
 * Looks up the rollups, deltas and events that make up a range. It reads the marks before any row,
 * so every batch that was acknowledged before the call is in the rows (docs/protocol.md).
 * @param section what of the rows is read, at least first
 * @param periods the columns that rows must not cross; absent: the range is one column
 */
export async function readRollups<S extends Section>(
  { store, project }: ProjectReads,
  range: Range,
  section: S,
  periods?: readonly Period[],
): Promise<Rollups<S>> {
  const columns = (periods ?? [{ start: range.from, end: range.to }]).map(({ start, end }) => ({
    start,
    end,
  }));
  const isFew = columns.length > 0 && columns.length <= maxColumnsAhead;
  const ahead = isFew ? await store.covered?.(project, columns, section) : undefined;
  const cover = ahead?.cover ?? coverAll(columns, await marksOf(store, project, range));
  return { cover, columns, section, ahead };
}

/** Whether events of some types, or of any, were dropped from a part of a range. */
export function isLost(
  { store }: ProjectReads,
  types: readonly string[] | undefined,
): (range: Range) => boolean {
  const lost = store.lost?.(types);
  return ({ from, to }) => lost !== undefined && from < lost.to && to > lost.from;
}

/**
 * Reads one section of all that a cover leads to, a part at a time. In place of a cut bucket whose
 * missing part the question needs, it reads the bucket's events, unless these are too many or some
 * of them were dropped.
 * @param take gets each row; each lies within one column
 * @param budget `rollups` keeps the cut rows
 * @throws ServiceError QUERY_TOO_EXPENSIVE where too many events would have to be read
 */
export async function readCovered(
  reads: FoldableReads,
  reading: SectionReading,
  budget: "events" | "rollups",
  take: (row: SectionRow<string>) => void,
): Promise<Covered> {
  const isLacking = isLost(reads, reading.filter.types);
  const cut: Range[] = [];
  let isCut = false;
  let [fromRollups, fromEvents] = [false, false];
  for await (const { row, lengthMs } of coveredRows(reads, reading)) {
    if (!row.exact && reading.needs(row.cells)) {
      const bucket = { from: row.start, to: row.start + lengthMs };
      if (budget === "events" && !isLacking(bucket)) {
        cut.push(bucket);
        continue;
      }
      isCut = true;
    }
    take(row);
    if (lengthMs > 0) fromRollups = true;
    else fromEvents = true;
  }
  const events = cut.length === 0 ? undefined : await readEvents(reads, reading, cut, take);
  fromEvents ||= events !== undefined;
  const source = fromEvents ? (fromRollups ? "mixed" : "events") : "rollup";
  return { isCut, source, ...(events && { events }) };
}

/** All rows of a section: of rollups, of deltas and of the events of parts of minutes. */
export async function* coveredRows<S extends Section>(
  { store, project }: ProjectReads,
  { cover, section, ahead }: Pick<Rollups<S>, "cover" | "section"> & Partial<Rollups<S>>,
): AsyncGenerator<CoveredRow<S>> {
  if (ahead !== undefined) yield* ahead.rows;
  const rest = ahead?.rest ?? cover;
  for (const { isMarked, grain, ranges } of sourcesOf(rest)) {
    yield* inParts(grain, ranges, section, (part) =>
      isMarked
        ? store.deltaSums(
            project,
            part.map(({ from }) => from),
            section,
          )
        : store.rollups(project, grain, part, section),
    );
  }
  for (const range of rest.events) {
    for await (const events of pagesOf(store, { project, ...range })) {
      yield { row: eventRow(range.from, events, section), lengthMs: 0 };
    }
  }
}

/** A row counted from the events of a part of a minute, which starts at `start`. */
export function eventRow<S extends Section>(
  start: number,
  events: readonly StoredEvent[],
  section: S,
): SectionRow<S> {
  const dimensions = section === "types" || section === "users" ? [] : [section];
  return { start, cells: sectionOf(cellsOf(events, dimensions), section), exact: true };
}

/** Reads buckets in parts, each sized so that about `cellsAtOnce` cells come back. */
async function* inParts<S extends Section>(
  grain: Grain,
  ranges: readonly Range[],
  section: S,
  read: (ranges: readonly Range[]) => Promise<readonly SectionRow<S>[]>,
): AsyncGenerator<CoveredRow<S>> {
  const lengthMs = grainMs[grain];
  let size: number = bucketsAtOnce.first;
  let rest = ranges;
  while (rest.length > 0) {
    const [part, after] = parted(rest, size * lengthMs);
    rest = after;
    const rows = await read(part);
    for (const row of rows) yield { row, lengthMs };
    const weight = rows.reduce((sum, { cells }) => sum + weightOf(cells, section), 1);
    size = Math.ceil(Math.min(bucketsAtOnce.most, 4 * size, (size * cellsAtOnce) / weight));
  }
}

function weightOf(
  cells: SectionRow<string>["cells"] | SectionRow<"types">["cells"] | SectionRow<"users">["cells"],
  section: Section,
): number {
  const types = Object.keys(cells);
  if (section === "types") return types.length;
  if (section === "users") return types.length * sketchWeight;
  const values = cells as SectionRow<string>["cells"];
  return types.reduce((sum, type) => sum + Object.keys(values[type]!).length, 0);
}

/**
 * How many events of some types, or of any type, a row counts. Of a cut row it is an upper bound.
 */
export function eventsOf({ cells }: SectionRow<"types">, types?: readonly string[]): number {
  const wanted = types === undefined ? Object.keys(cells) : [...types, OTHER];
  return wanted.reduce((sum, type) => sum + (Object.hasOwn(cells, type) ? cells[type]! : 0), 0);
}

async function* pagesOf(
  store: EventReads,
  filter: EventFilter,
): AsyncGenerator<readonly StoredEvent[]> {
  let after: EventQuery["after"];
  do {
    const page = await store.page({ ...filter, order: "asc", limit: pageSize, after });
    if (page.events.length > 0) yield page.events;
    after = page.next;
  } while (after !== undefined);
}

/** Describes which events to count, and by what. */
interface Counting {
  /** Ascending, not overlapping. */
  readonly columns: readonly Pick<Period, "start" | "end">[];
  /** `types` or a dimension. */
  readonly section: Section;
  /** The events that the question is about. */
  readonly filter: Omit<EventFilter, "project" | "from" | "to">;
}

/** How many events were expected, and how many met the filter. */
interface EventsRead {
  readonly estimate: number;
  readonly met: number;
}

/**
 * Counts the rows of buckets, or of other ranges, from their events; each range lies within one
 * column.
 * @throws ServiceError QUERY_TOO_EXPENSIVE
 */
export async function readEvents(
  reads: FoldableReads,
  { columns, section, filter }: Counting,
  cut: readonly Range[],
  take: (row: SectionRow<string>) => void,
): Promise<EventsRead> {
  const periods = joined(columns, cut);
  const range = { from: periods[0]!.start, to: periods.at(-1)!.end };
  const path = section === "types" ? [] : [{ path: pathOf(section) }];
  const { result, events, estimate } = await reads.analyze(
    { ...filter, ...range },
    {
      kind: "breakdown",
      metrics: [{ op: "count" }],
      dimensions: [{ path: ["type"] }, ...path, { time: true }],
      periods,
      totals: false,
      maxGroups,
    },
  );
  const rows = new Map<number, Record<string, Record<string, number>>>();
  for (const { dimensions, metrics } of result.groups) {
    const [type, value, period] = (
      section === "types" ? [dimensions[0], NONE, dimensions[1]] : dimensions
    ) as [string, string, number];
    let cells = rows.get(period);
    if (cells === undefined) rows.set(period, (cells = record()));
    (cells[type] ??= record())[value] = metrics[0]!;
  }
  for (const [period, cells] of rows) {
    take({ start: periods[period]!.start, cells: shapedAs(section, cells), exact: true });
  }
  return { estimate, met: events };
}

/** The buckets as ranges, ascending; adjacent ones in one column are joined. */
function joined(
  columns: Counting["columns"],
  buckets: readonly Range[],
): readonly { readonly start: number; readonly end: number }[] {
  const periods: { start: number; end: number; column: number }[] = [];
  for (const { from, to } of buckets.toSorted((a, b) => a.from - b.from)) {
    const column = assign(columns, from);
    const last = periods.at(-1);
    if (last?.end === from && last.column === column) last.end = to;
    else periods.push({ start: from, end: to, column });
  }
  return periods.map(({ start, end }) => ({ start, end }));
}

/** Gives a row the shape of its section: the section `types` has counts alone. */
function shapedAs(
  section: Section,
  cells: Record<string, Record<string, number>>,
): SectionRow<string>["cells"] {
  if (section !== "types") return cells;
  const types = record<number>();
  for (const type of Object.keys(cells)) types[type] = cells[type]![NONE]!;
  return types as unknown as SectionRow<string>["cells"];
}
