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
import { isPacked, unpackCells, unpackSection } from "../packed-cells.ts";
import { madeAt } from "../compacting.ts";
import type { Database } from "./database.ts";
import { mayLack } from "./floors.ts";
import { markDirty, type BucketRow } from "./marks.ts";

/** Cells on their way to the event loop, which need not read them to hand them on. */
export interface SumText {
  readonly v: number;
  /** JSON. */
  readonly cells: string;
}

/** One bucket's part of an answer, its cells as JSON. */
export type SectionText = readonly [start: number, cells: string];

/** A minute's deltas summed up, and what the minute looked like. */
export interface CondensePlan {
  /** How many of its deltas were condensed already: grows with every fold. */
  readonly condensed: number;
  /** What its sum weighs beyond the deltas that are there. */
  readonly recounts: number;
  readonly batches: readonly string[];
  readonly cells: CellsRow;
}

const ofMinute = "FROM deltas WHERE project = ? AND minute = ?";

/** The row of a minute's condensed deltas. No batch has this name. */
export const folded = "";

/** Fewer cells than these are summed as fast as they are condensed. */
const minFold = 32;

/** How many events are counted at a time where a minute is counted anew. */
const eventBlock = 1_000;

/** How many cells are held at a time while they are summed. */
const blockSize = 64;

/**
 * Insert the deltas that are absent. Of a batch whose delta may be gone, since its minute was
 * compacted, the minute is counted anew: the batch's events are there.
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

/** Whether a minute's deltas were summed up of all batches as old as this one. */
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
 * What a minute's sum weighs beyond the deltas that are there, and up to when the batches were made
 * whose deltas are gone.
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

/** One section of the sums of some minutes; those without deltas are absent. */
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

/** What condensing would do to a minute; `undefined` where it is not worth it. Reads only. */
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
 * Put the sum in the place of the cells it sums; their rows keep their keys, so a late repeat of a
 * batch is still recognised. Does nothing where another fold came between.
 */
export function fold(db: Database, bucket: BucketRow, plan: CondensePlan): void {
  if (isAsPlanned(db, bucket, plan)) putFold(db, bucket, plan);
}

/**
 * Put cells that were counted anew in the place of a minute's, as `fold` does: the minute's sum
 * weighs one more.
 * @returns false, and nothing was done, where another fold came between
 */
export function putRecount(db: Database, bucket: BucketRow, plan: CondensePlan): boolean {
  const [project, , minute] = bucket;
  // Looked at here: what was planned was read before, so nothing of it was missing.
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

/** A count of a minute's events. */
interface RecountPlan extends CondensePlan {
  /** Whether it counts what a batch owns. */
  readonly counts: (batch: string) => boolean;
}

/**
 * What counting a minute anew would put in place: the events of those batches whose deltas are
 * there, or were summed up.
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

/** What `planRecount` counts, as a sum, and whose events it leaves out though they are old. */
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

/** Give batches their deltas in a minute where they have none. */
export function complete(
  db: Database,
  [project, , minute]: BucketRow,
  batches: readonly string[],
  dimensions: readonly string[],
): void {
  if (mayLack(db, project, minute)) return;
  for (const batch of batches) completeDelta(db, project, minute, batch, dimensions);
}

/** Events in pieces of which few are held at a time. */
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

/** The events of a minute; of those that are damaged as much as can be told. */
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
  db.run(
    `INSERT INTO deltas VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE
      SET types = excluded.types, users = excluded.users, dimensions = excluded.dimensions`,
    project,
    minute,
    folded,
    ...plan.cells,
  );
}

/** Add the delta of a batch that has none in a minute, from the events that it owns there. */
export function completeDelta(
  db: Database,
  project: string,
  minute: number,
  batch: string,
  dimensions: readonly string[],
): void {
  const there = db.get(`SELECT 1 ${ofMinute} AND batch = ?`, project, minute, batch);
  if (there !== undefined || isCompacted(db, project, minute, batch)) return;
  const events = minuteEvents(db, project, minute).filter((event) => event.batch === batch);
  const cells = deltaCellsRow(keyCells([...events], dimensions));
  putDeltas(db, [[project, minute, batch, ...cells]], dimensions);
}

/** Sum many parts while holding few of them. `undefined` where there are none. */
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

/** What a section is read from: packed cells are in `types`. */
export function sectionColumns(section: Section): string {
  if (section === "types") return "types";
  return section === "users" ? "types, users" : "types, dimensions";
}

export type SectionColumns = readonly [types: string, others: string | null];

/** A delta's part of a section. */
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

/** Typed by where it goes: the columns hold what `cellsRow` wrote. */
function parse<T>(text: string): T {
  return JSON.parse(text) as T;
}
