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
import { cellsRow, type CellsRow, type PackedRow } from "../rows.ts";
import {
  type SectionText,
  type SumText,
  isPacked,
  readUsers,
  unpackCells,
  unpackSection,
} from "../cells-text.ts";
import type { Database } from "./database.ts";
import type { BucketRow } from "./marks.ts";

/** The sum of a minute's deltas, and the state of the minute when they were summed. */
export interface CondensePlan {
  /** The number of rows whose cells were condensed before; grows with every fold. */
  readonly condensed: number;
  /** What the minute's `v` counts beyond the deltas that are stored. */
  readonly recounts: number;
  readonly batches: readonly string[];
  readonly cells: CellsRow;
}

export const ofMinute = "FROM deltas WHERE project = ? AND minute = ?";

/** The batch name of the row that holds a minute's condensed deltas. No batch has this name. */
export const folded = "";

/** The fewest open deltas that are condensed: fewer are summed as fast as they are condensed. */
const minFold = 32;

/** The number of cells in memory at a time while they are summed. */
const blockSize = 64;

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
export function beyondDeltas(
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

export function isAsPlanned(
  db: Database,
  [project, , minute]: BucketRow,
  plan: CondensePlan,
): boolean {
  const [condensed] = db.get(
    `SELECT count(*) ${ofMinute} AND types IS NULL`,
    project,
    minute,
  ) as unknown as readonly [number];
  const { n } = beyondDeltas(db, project, minute);
  return condensed === plan.condensed && n === plan.recounts;
}

export function putFold(db: Database, [project, , minute]: BucketRow, plan: CondensePlan): void {
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

/** The cells to which the condensed or compacted deltas of a minute add up. */
export function foldedCells(db: Database, project: string, minute: number): Cells | undefined {
  const row = db.get(
    `SELECT types, users, dimensions ${ofMinute} AND batch = ?`,
    project,
    minute,
    folded,
  );
  return row && deltaCellsOf(row as readonly unknown[] as CellsRow | PackedRow);
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
  if (section === "users") return readUsers(others!);
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
  return { types: parse(types), users: readUsers(users), dimensions: parse(dimensions) };
}

/** Parses a text that `cellsRow` wrote; the caller states its type. */
function parse<T>(text: string): T {
  return JSON.parse(text) as T;
}
