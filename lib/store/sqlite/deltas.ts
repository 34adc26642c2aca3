import { madeAt } from "../../event/batch-message.ts";
import {
  emptyCells,
  mergeCells,
  mergeTypes,
  mergeUsers,
  mergeValues,
  sectionOf,
  type Cells,
  type Section,
  type TypeCounts,
  type UserSketches,
  type ValueCounts,
} from "../../counting/cells.ts";
import { grainMs } from "../../counting/bucket.ts";
import { keyCells } from "../../counting/delta.ts";
import type { StoredEvent } from "../../event/event.ts";
import {
  cellsRow,
  deltaCellsRow,
  eventColumns,
  fromRow,
  withoutBody,
  type CellsRow,
  type DeltaRow,
  type EventRow,
  type PackedRow,
} from "../rows.ts";
import {
  type SectionText,
  type SumText,
  isPacked,
  unpackCells,
  unpackSection,
} from "../cells-text.ts";
import type { Database } from "./database.ts";
import { mayLack } from "./floors.ts";
import { markDirty, type BucketRow } from "./marks.ts";

/** The sum of a minute's deltas, and the state of the minute when they were summed. */
export interface CondensePlan {
  /** The number of rows whose cells were condensed before; grows with every fold. */
  readonly condensed: number;
  /** What the minute's `v` counts beyond the deltas that are stored. */
  readonly recounts: number;
  readonly batches: readonly string[];
  readonly cells: CellsRow;
}

const ofMinute = "FROM deltas WHERE project = ? AND minute = ?";

/** The batch name of the row that holds a minute's condensed deltas. No batch has this name. */
export const folded = "";

/** The fewest open deltas that are condensed: fewer are summed as fast as they are condensed. */
const minFold = 32;

/** The number of events in memory at a time while a minute is counted anew. */
const eventBlock = 1_000;

/** The number of cells in memory at a time while they are summed. */
const blockSize = 64;

/**
 * Inserts the deltas that are absent. Where a batch's delta may have been compacted, its minute is
 * counted anew instead: the batch's events are stored.
 */
export function putDeltas(
  db: Database,
  deltas: readonly DeltaRow[],
  dimensions: readonly string[],
): void {
  const [through] = db.get("SELECT through FROM compactions") as unknown as readonly [number];
  for (const delta of deltas) {
    const [project, minute, batch] = delta;
    const bucket: BucketRow = [project, "minute", minute];
    if (madeAt(batch) <= through && isCompacted(db, project, minute, batch)) {
      putRecount(db, bucket, planRecount(db, bucket, dimensions));
    } else {
      db.run("INSERT INTO deltas VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", ...delta);
    }
  }
}

/** Whether compaction has removed the deltas of batches as old as this one from a minute. */
function isCompacted(db: Database, project: string, minute: number, batch: string): boolean {
  return madeAt(batch) <= beyondDeltas(db, project, minute).through;
}

export function sumDeltas(db: Database, [project, , minute]: BucketRow): SumText {
  const [v] = db.get(`SELECT count(*) ${ofMinute} AND batch <> ?`, project, minute, folded)!;
  const cells = sumInBlocks(deltaCells(db, project, minute), mergeCells) ?? emptyCells();
  const { n } = beyondDeltas(db, project, minute);
  return { v: (v as number) + n, cells: JSON.stringify(cells) };
}

/**
 * What a minute's `v` counts beyond the deltas that are stored (`n`), and the instant up to which
 * batches were made whose deltas are gone (`through`).
 */
function beyondDeltas(
  db: Database,
  project: string,
  minute: number,
): { readonly n: number; readonly through: number } {
  const row = db.get(
    "SELECT n, through FROM recounts WHERE project = ? AND minute = ?",
    project,
    minute,
  );
  const [n = 0, through = 0] = (row ?? []) as readonly [number?, number?];
  return { n, through };
}

/** One section of the sums of some minutes. Minutes without deltas are absent. */
export function deltaSums(
  db: Database,
  project: string,
  minutes: readonly number[],
  section: Section,
): readonly SectionText[] {
  return minutes.flatMap((minute) => {
    const sum = sectionSum(db, project, minute, section);
    return sum === undefined ? [] : [[minute, JSON.stringify(sum)] as const];
  });
}

/** Sums a minute for `fold`, without writing; `undefined` where condensing would gain nothing. */
export function planFold(db: Database, [project, , minute]: BucketRow): CondensePlan | undefined {
  const [open, condensed] = db.get(
    `SELECT count(*) FILTER (WHERE types IS NOT NULL), count(*) FILTER (WHERE types IS NULL) ${ofMinute}`,
    project,
    minute,
  ) as unknown as readonly [number, number];
  if (open < minFold) return undefined;
  const sum = sumInBlocks(deltaCells(db, project, minute), mergeCells) ?? emptyCells();
  const batches = db.all(
    `SELECT batch ${ofMinute} AND types IS NOT NULL AND batch <> ?`,
    project,
    minute,
    folded,
  );
  return {
    condensed,
    recounts: beyondDeltas(db, project, minute).n,
    batches: batches.map(([batch]) => batch as string),
    cells: cellsRow(sum),
  };
}

/**
 * Replaces the cells of deltas by their sum. The deltas' rows stay without cells, so that a late
 * repeat of a batch is still recognised. Does nothing where the minute was condensed since the plan
 * was made.
 */
export function fold(db: Database, bucket: BucketRow, plan: CondensePlan): void {
  if (isAsPlanned(db, bucket, plan)) putFold(db, bucket, plan);
}

/**
 * Replaces a minute's cells by cells that were counted anew, as `fold` does, and adds 1 to the
 * minute's `v`. Leaves the minute as it is where events of the minute may have been dropped.
 * @returns false, without a change, where the minute was condensed since the plan was made
 */
export function putRecount(db: Database, bucket: BucketRow, plan: CondensePlan): boolean {
  const [project, , minute] = bucket;
  // The plan was read before this check, so a `false` means that the plan lacks no event.
  if (mayLack(db, project, minute)) return true;
  if (!isAsPlanned(db, bucket, plan)) return false;
  putFold(db, bucket, plan);
  db.run(
    "INSERT INTO recounts VALUES (?, ?, 1, 0) ON CONFLICT DO UPDATE SET n = n + 1",
    project,
    minute,
  );
  markDirty(db, [bucket]);
  return true;
}

/** A new count of a minute's events. */
interface RecountPlan extends CondensePlan {
  /** Whether the count includes the events of a batch. */
  readonly counts: (batch: string) => boolean;
}

/**
 * Counts a minute's events anew for `putRecount`, without writing. It counts the events of batches
 * whose deltas are stored, or were compacted.
 */
export function planRecount(
  db: Database,
  bucket: BucketRow,
  dimensions: readonly string[],
): CondensePlan {
  const { counts: _, ...plan } = countAnew(db, bucket, dimensions);
  return plan;
}

function countAnew(
  db: Database,
  [project, , minute]: BucketRow,
  dimensions: readonly string[],
): RecountPlan {
  const rows = db.all(`SELECT batch, types IS NULL ${ofMinute}`, project, minute);
  const batches = rows.map(([batch]) => batch as string).filter((batch) => batch !== folded);
  const known = new Set(batches);
  const { n, through } = beyondDeltas(db, project, minute);
  const counts = (batch: string) => known.has(batch) || madeAt(batch) <= through;
  const events = minuteEvents(db, project, minute).filter((event) => counts(event.batch));
  const blocks = inBlocks(events).map((block) => keyCells(block, dimensions));
  return {
    condensed: rows.filter(([, isCondensed]) => isCondensed === 1).length,
    recounts: n,
    batches,
    cells: cellsRow(sumInBlocks(blocks, mergeCells) ?? emptyCells()),
    counts,
  };
}

/**
 * Counts a minute as `planRecount` does, and lists the batches of older events that it leaves out.
 * @returns the sum, and those batches
 */
export function recounted(
  db: Database,
  bucket: BucketRow,
  before: number,
  dimensions: readonly string[],
): SumText & { readonly uncounted: readonly string[] } {
  const { batches, recounts, cells, counts } = countAnew(db, bucket, dimensions);
  const [project, , minute] = bucket;
  const owners = db.all(
    `SELECT DISTINCT batch FROM events INDEXED BY events_by_time
      WHERE project = ? AND timestamp >= ? AND timestamp < ? AND received_at < ?`,
    project,
    minute,
    minute + grainMs.minute,
    before,
  );
  const [types, users, values] = cells;
  return {
    v: batches.length + recounts,
    cells: `{"types":${types},"users":${users},"dimensions":${values}}`,
    uncounted: owners.map(([batch]) => batch as string).filter((batch) => !counts(batch)),
  };
}

/** Inserts deltas for batches that have none in a minute. */
export function complete(
  db: Database,
  [project, , minute]: BucketRow,
  batches: readonly string[],
  dimensions: readonly string[],
): void {
  if (mayLack(db, project, minute)) return;
  for (const batch of batches) completeDelta(db, project, minute, batch, dimensions);
}

/** Divides items into blocks, so that few of them are in memory at a time. */
function* inBlocks<T>(items: Iterable<T>): Generator<readonly T[], void, undefined> {
  let block: T[] = [];
  for (const item of items) {
    block.push(item);
    if (block.length < eventBlock) continue;
    yield block;
    block = [];
  }
  if (block.length > 0) yield block;
}

/** The events of a minute. Of damaged events only the columns beside the body are known. */
function* minuteEvents(
  db: Database,
  project: string,
  minute: number,
): Generator<StoredEvent, void, undefined> {
  for (const table of ["events INDEXED BY events_by_time", "broken"]) {
    const rows = db.iterate(
      `SELECT ${eventColumns} FROM ${table} WHERE project = ? AND timestamp >= ? AND timestamp < ?`,
      project,
      minute,
      minute + grainMs.minute,
    );
    for (const row of rows as Iterable<unknown> as Iterable<EventRow>) {
      yield table === "broken" ? withoutBody(row) : fromRow(row);
    }
  }
}

function isAsPlanned(db: Database, [project, , minute]: BucketRow, plan: CondensePlan): boolean {
  const [condensed] = db.get(
    `SELECT count(*) ${ofMinute} AND types IS NULL`,
    project,
    minute,
  ) as unknown as readonly [number];
  const { n } = beyondDeltas(db, project, minute);
  return condensed === plan.condensed && n === plan.recounts;
}

function putFold(db: Database, [project, , minute]: BucketRow, plan: CondensePlan): void {
  for (const batch of plan.batches) {
    db.run(
      `UPDATE deltas SET types = NULL, users = NULL, dimensions = NULL
        WHERE project = ? AND minute = ? AND batch = ?`,
      project,
      minute,
      batch,
    );
  }
  putFoldedCells(db, project, minute, plan.cells);
}

/** Replaces the cells to which the condensed or compacted deltas of a minute add up. */
export function putFoldedCells(
  db: Database,
  project: string,
  minute: number,
  cells: CellsRow | PackedRow,
): void {
  db.run(
    `INSERT INTO deltas VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE
      SET types = excluded.types, users = excluded.users, dimensions = excluded.dimensions`,
    project,
    minute,
    folded,
    ...cells,
  );
}

/** Inserts the delta of a batch that has none in a minute, from the events that it owns there. */
export function completeDelta(
  db: Database,
  project: string,
  minute: number,
  batch: string,
  dimensions: readonly string[],
): void {
  const existing = db.get(`SELECT 1 ${ofMinute} AND batch = ?`, project, minute, batch);
  if (existing !== undefined || isCompacted(db, project, minute, batch)) return;
  const events = minuteEvents(db, project, minute).filter((event) => event.batch === batch);
  const cells = deltaCellsRow(keyCells([...events], dimensions));
  putDeltas(db, [[project, minute, batch, ...cells]], dimensions);
}

/** Sums many parts, with few of them in memory at a time; `undefined` where there are none. */
export function sumInBlocks<T>(parts: Iterable<T>, merge: (block: T[]) => T): T | undefined {
  let block: T[] = [];
  for (const part of parts) {
    if (block.length === blockSize) block = [merge(block)];
    block.push(part);
  }
  return block.length === 0 ? undefined : merge(block);
}

function sectionSum(db: Database, project: string, minute: number, section: Section): unknown {
  const columns = sectionColumns(section);
  const rows = db.iterate(`SELECT ${columns} ${ofMinute} AND types IS NOT NULL`, project, minute);
  const parts = Iterator.from(rows).map((row) => sectionOfRow(section, row as SectionColumns));
  return sumInBlocks(parts, (block) => mergeSections(section, block));
}

/** The columns that a section is read from: packed cells are in `types`. */
export function sectionColumns(section: Section): string {
  if (section === "types") return "types";
  return section === "users" ? "types, users" : "types, dimensions";
}

export type SectionColumns = readonly [types: string, others: string | null];

/** One section of a delta's row. */
export function sectionOfRow(section: Section, [types, others]: SectionColumns): unknown {
  if (isPacked(types)) return unpackSection(section, types);
  if (section === "types") return parse(types);
  if (section === "users") return parse(others!);
  return sectionOf({ ...emptyCells(), types: parse(types), dimensions: parse(others!) }, section);
}

export function mergeSections(section: Section, parts: readonly unknown[]): unknown {
  if (section === "types") return mergeTypes(parts as readonly TypeCounts[]);
  if (section === "users") return mergeUsers(parts as readonly UserSketches[]);
  return mergeValues(parts as readonly ValueCounts[]);
}

function* deltaCells(db: Database, project: string, minute: number): Iterable<Cells> {
  const rows = db.iterate(
    `SELECT types, users, dimensions ${ofMinute} AND types IS NOT NULL`,
    project,
    minute,
  ) as Iterable<unknown> as Iterable<CellsRow | PackedRow>;
  for (const row of rows) yield deltaCellsOf(row);
}

/** The cells of a delta's row. */
export function deltaCellsOf([types, users, dimensions]: CellsRow | PackedRow): Cells {
  if (users === null) return unpackCells(types);
  return { types: parse(types), users: parse(users), dimensions: parse(dimensions) };
}

/** Parses a text that `cellsRow` wrote; the caller states its type. */
function parse<T>(text: string): T {
  return JSON.parse(text) as T;
}
