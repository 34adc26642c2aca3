import { deserialize, serialize } from "node:v8";
import {
  cutCells,
  emptyCells,
  mergeCells,
  sectionOf,
  type Cells,
  type Section,
  type Sum,
  type TypeCounts,
  type UserSketches,
} from "../../counting/cells.ts";
import { childGrain, grainMs, parentOf, type Bucket, type Grain } from "../../counting/bucket.ts";
import type { Range } from "../../event/filter.ts";
import type { Database, Row } from "./database.ts";
import {
  sumDeltas,
  sumInBlocks,
  deltaCellsOf,
  mergeSections,
  sectionColumns,
  sectionOfRow,
  type SectionColumns,
} from "./delta-sums.ts";
import { type SectionText, type SumText, isPacked, readUsers, sumPacked } from "../cells-text.ts";
import type { RollupTarget } from "../store.ts";
import { clearMark, markParent, type BucketRow } from "./marks.ts";
import type { CellsRow } from "../rows.ts";

/** Writes a rollup, cut, where it sums more deltas than the stored one. */
export function writeRollup(
  db: Database,
  bucket: BucketRow,
  sum: SumText,
  where: RollupTarget = "any",
): void {
  const stored = headerOf(db, bucket);
  if (stored === undefined && where === "stored") return;
  const [v, names] = stored ?? [0, "[]"];
  if (sum.v <= v) return;
  const sections = sectionTexts(JSON.parse(sum.cells) as Cells);
  putRollup(db, bucket, { v: sum.v, sections }, JSON.parse(names) as readonly string[]);
}

/** A rollup as it is written: cut, each section as JSON. */
interface RollupText {
  readonly v: number;
  readonly sections: readonly (readonly [name: Section, cells: string])[];
}

/** @param names the sections that are there */
function putRollup(
  db: Database,
  bucket: BucketRow,
  { v, sections }: RollupText,
  names: readonly string[],
): void {
  db.run(
    `INSERT INTO rollups VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE
      SET v = excluded.v, sections = excluded.sections`,
    ...bucket,
    v,
    JSON.stringify(sections.map(([name]) => name)),
  );
  const [project, grain, start] = bucket;
  for (const [section, cells] of sections) {
    db.run(
      "INSERT INTO sections VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET cells = excluded.cells",
      project,
      grain,
      section,
      start,
      cells,
    );
  }
  const kept = new Set<string>(sections.map(([name]) => name));
  for (const section of names) {
    if (!kept.has(section)) removeSection(db, { project, grain, start }, section);
  }
}

/** What `rollUpMarked` is to write for each of some hours or days, for the writer alone to read. */
export function sumMarked(db: Database, buckets: readonly BucketRow[]): Uint8Array {
  const rollups = buckets.map((bucket): RollupText => {
    db.check();
    const { v, cells } = summedChildren(db, bucket);
    return { v, sections: sectionTexts(cells) };
  });
  return serialize(rollups);
}

/** Writes rollups that `sumMarked` made, then mark the buckets above, then clear the marks. */
export function rollUpMarked(
  db: Database,
  marked: readonly { readonly bucket: BucketRow; readonly nonce: string }[],
  sums: Uint8Array,
): void {
  const rollups = deserialize(sums) as readonly RollupText[];
  const parents = new Map<string, BucketRow>();
  marked.forEach(({ bucket }, at) => {
    const stored = headerOf(db, bucket);
    const { v, sections } = rollups[at]!;
    if (v > (stored?.[0] ?? 0)) {
      putRollup(db, bucket, { v, sections }, JSON.parse(stored?.[1] ?? "[]") as readonly string[]);
    }
    const [project, grain, start] = bucket;
    const parent = parentOf({ project, grain, start });
    if (parent !== undefined) {
      parents.set(`${project}|${parent.start}`, [project, parent.grain, parent.start]);
    }
  });
  for (const parent of parents.values()) markParent(db, parent);
  for (const { bucket, nonce } of marked) clearMark(db, bucket, nonce);
}

function headerOf(
  db: Database,
  bucket: BucketRow,
): readonly [v: number, sections: string] | undefined {
  return db.get(
    "SELECT v, sections FROM rollups WHERE project = ? AND grain = ? AND start = ?",
    ...bucket,
  ) as readonly [number, string] | undefined;
}

export function removeSection(db: Database, bucket: Bucket, section: string): void {
  const { project, grain, start } = bucket;
  db.run(
    "DELETE FROM sections WHERE project = ? AND grain = ? AND section = ? AND start = ?",
    project,
    grain,
    section,
    start,
  );
}

export function rollup(db: Database, bucket: BucketRow): SumText | undefined {
  const found = headerOf(db, bucket);
  if (found === undefined) {
    if (bucket[1] !== "minute") return undefined;
    const sum = sumDeltas(db, bucket);
    return sum.v === 0 ? undefined : sum;
  }
  const [v, names] = found;
  const cells = readCells(db, bucket, JSON.parse(names) as readonly Section[]);
  return { v, cells: JSON.stringify(cells) };
}

/**
 * One section of the rollups whose start lies in a range. Rollups that lack it answer as
 * `sectionOf` does. A minute without one is the sum of its deltas.
 */
export function rollups(
  db: Database,
  project: string,
  grain: Grain,
  ranges: readonly Range[],
  section: Section,
): readonly SectionText[] {
  return ranges.flatMap((range) => {
    const rows = writtenRollups(db, project, grain, range, section);
    if (grain !== "minute") return rows;
    const bare = bareSums(db, project, range, section);
    return bare.length === 0 ? rows : [...rows, ...bare].sort(([a], [b]) => a - b);
  });
}

function writtenRollups(
  db: Database,
  project: string,
  grain: Grain,
  { from, to }: Range,
  section: Section,
): readonly SectionText[] {
  const rows = sectionRows(db, project, grain, section, { from, to });
  const starts = db.prepared(
    "SELECT count(*) FROM rollups WHERE project = ? AND grain = ? AND start >= ? AND start < ?",
  );
  const [count] = starts.get(project, grain, from, to) as unknown as readonly [number];
  if (count === rows.length) return rows;
  const known = new Map(rows);
  return sectionRows(db, project, grain, "types", { from, to }).map(
    ([start, types]) => [start, known.get(start) ?? lacking(types, section)] as const,
  );
}

/** The sum of the rollups within a bucket, and of their versions. */
export function sumChildren(db: Database, bucket: BucketRow): SumText {
  const { v, cells } = summedChildren(db, bucket);
  return { v, cells: JSON.stringify(cells) };
}

function summedChildren(db: Database, [project, grain, start]: BucketRow): Sum {
  const child = childGrain(grain);
  if (child === undefined) return { v: 0, cells: emptyCells() };
  const range = { from: start, to: start + grainMs[grain] };
  const headers = db.all(
    "SELECT start, v, sections FROM rollups WHERE project = ? AND grain = ? AND start >= ? AND start < ?",
    project,
    child,
    range.from,
    range.to,
  ) as readonly unknown[] as readonly (readonly [number, number, string])[];
  const rolledUp = cellsWithin(db, project, child, range, headers);
  const bare = child === "minute" ? bareCells(db, project, range) : { v: 0, cells: [] };
  const children = [...rolledUp, ...bare.cells];
  return {
    v: headers.reduce((total, [, v]) => total + v, bare.v),
    cells: sumInBlocks(children, mergeCells) ?? emptyCells(),
  };
}

/** The cells of the rollups of a range, with one walk for each section that any of them has. */
function cellsWithin(
  db: Database,
  project: string,
  grain: Grain,
  range: Range,
  headers: readonly (readonly [start: number, v: number, names: string])[],
): readonly Cells[] {
  const sections = new Set(headers.flatMap(([, , names]) => JSON.parse(names) as Section[]));
  const texts = new Map(headers.map(([start]) => [start, [] as (readonly [Section, string])[]]));
  for (const section of sections) {
    for (const [start, text] of sectionRows(db, project, grain, section, range)) {
      texts.get(start)?.push([section, text]);
    }
  }
  return [...texts.values()].map(cellsFrom);
}

function readCells(
  db: Database,
  [project, grain, start]: BucketRow,
  names: readonly Section[],
): Cells {
  return cellsFrom(
    names.map((section) => {
      const [text] = db.get(
        "SELECT cells FROM sections WHERE project = ? AND grain = ? AND section = ? AND start = ?",
        project,
        grain,
        section,
        start,
      ) as unknown as readonly [string];
      return [section, text];
    }),
  );
}

function cellsFrom(texts: readonly (readonly [section: Section, text: string])[]): Cells {
  const { dimensions, ...empty } = emptyCells();
  const cells: { types: TypeCounts; users: UserSketches } = empty;
  const sections: Record<string, unknown> = dimensions;
  for (const [section, text] of texts) {
    if (section === "users") cells.users = readUsers(text);
    else if (section === "types") cells.types = JSON.parse(text) as TypeCounts;
    else sections[section] = JSON.parse(text);
  }
  return { ...cells, dimensions };
}

/** The sections of what a rollup keeps of some cells. */
function sectionTexts(whole: Cells): RollupText["sections"] {
  const { types, users, dimensions } = cutCells(whole);
  const sections: [Section, unknown][] = [
    ["types", types],
    ["users", users],
    ...Object.entries(dimensions),
  ];
  return sections.map(([name, cells]) => [name, JSON.stringify(cells)]);
}

function sectionRows(
  db: Database,
  project: string,
  grain: Grain,
  section: Section,
  { from, to }: Range,
): readonly SectionText[] {
  return db.all(
    `SELECT start, cells FROM sections
      WHERE project = ? AND grain = ? AND section = ? AND start >= ? AND start < ? ORDER BY start`,
    project,
    grain,
    section,
    from,
    to,
  ) as readonly unknown[] as readonly SectionText[];
}

function lacking(types: string, section: Section): string {
  const cells = { ...emptyCells(), types: JSON.parse(types) as Cells["types"] };
  return JSON.stringify(sectionOf(cells, section));
}

/**
 * Minutes with deltas but without a rollup: the deltas are too few to be worth one, and are the
 * minute's answer themselves.
 */
const bareMinutes = `
  WITH RECURSIVE
    -- From one minute to the next, past all the deltas that lie between.
    there (minute) AS (
      SELECT min(minute) FROM deltas WHERE project = ?1 AND minute >= ?2 AND minute < ?3
      UNION ALL
      SELECT (SELECT min(minute) FROM deltas
          WHERE project = ?1 AND minute > there.minute AND minute < ?3)
        FROM there WHERE there.minute IS NOT NULL
    ),
    bare (minute) AS (
      SELECT minute FROM there WHERE minute IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM rollups WHERE project = ?1 AND grain = 'minute' AND start = there.minute)
    )`;

/** The deltas of bare minutes, ascending. */
function bareDeltas(
  db: Database,
  columns: string,
  project: string,
  { from, to }: Range,
): readonly Row[] {
  return db.all(
    `${bareMinutes}
      SELECT deltas.minute, ${columns} FROM bare CROSS JOIN deltas
        WHERE deltas.project = ?1 AND deltas.minute = bare.minute`,
    project,
    from,
    to,
  );
}

/** One section of the sum of each bare minute of a range, ascending. */
function bareSums(
  db: Database,
  project: string,
  range: Range,
  section: Section,
): readonly SectionText[] {
  const rows = bareDeltas(db, sectionColumns(section), project, range);
  const open = rows.filter(([, types]) => types !== null);
  const partOf = ([, ...row]: Row) =>
    sectionOfRow(section, row as readonly unknown[] as SectionColumns);
  return [...Map.groupBy(open, ([minute]) => minute as number)].map(([minute, of]) => {
    const [only, ...others] = of;
    if (others.length === 0) return [minute, JSON.stringify(partOf(only!))] as const;
    const sum = sumInBlocks(of.values().map(partOf), (block) => mergeSections(section, block));
    return [minute, JSON.stringify(sum)] as const;
  });
}

/** The cells of all deltas of the bare minutes of a range, and the sum of their versions. */
function bareCells(
  db: Database,
  project: string,
  range: Range,
): { readonly v: number; readonly cells: readonly Cells[] } {
  const rows = bareDeltas(db, "batch, types, users, dimensions", project, range);
  const [recounts] = db.get(
    `SELECT total(n) FROM recounts WHERE project = ?1 AND minute >= ?2 AND minute < ?3
      AND NOT EXISTS (
        SELECT 1 FROM rollups WHERE project = ?1 AND grain = 'minute' AND start = recounts.minute)`,
    project,
    range.from,
    range.to,
  )!;
  const open = rows.filter(([, , types]) => types !== null);
  const [packed, others] = [open.filter(isPackedRow), open.filter((row) => !isPackedRow(row))];
  return {
    v: rows.filter(([, batch]) => batch !== "").length + (recounts as number),
    cells: [
      ...sumPacked(packed.map(([, , types]) => types as string)),
      ...others.map(([, , ...row]) => deltaCellsOf(row as unknown as CellsRow)),
    ],
  };
}

function isPackedRow([, , types]: Row): boolean {
  return isPacked(types as string);
}
