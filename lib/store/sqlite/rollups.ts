import {
  cutCells,
  emptyCells,
  mergeCells,
  sectionOf,
  type Cells,
  type Section,
} from "../../counting/cells.ts";
import { childGrain, grainMs, type Bucket, type Grain } from "../../counting/bucket.ts";
import type { Range } from "../../event/filter.ts";
import type { Database } from "./database.ts";
import { bareCells, bareSums } from "./bare-minutes.ts";
import { sumDeltas, sumInBlocks, type SectionText, type SumText } from "./deltas.ts";
import type { RollupTarget } from "../store.ts";
import type { BucketRow } from "./marks.ts";

/** Write a rollup, cut, where it sums more deltas than the stored one. */
export function writeRollup(
  db: Database,
  bucket: BucketRow,
  sum: SumText,
  where: RollupTarget = "any",
): void {
  const stored = db.get(
    "SELECT v, sections FROM rollups WHERE project = ? AND grain = ? AND start = ?",
    ...bucket,
  ) as readonly [number, string] | undefined;
  if (stored === undefined && where === "stored") return;
  const [v, names] = stored ?? [0, "[]"];
  if (sum.v <= v) return;
  const sections = sectionsOf(cutCells(JSON.parse(sum.cells) as Cells));
  db.run(
    `INSERT INTO rollups VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE
      SET v = excluded.v, sections = excluded.sections`,
    ...bucket,
    sum.v,
    JSON.stringify([...sections.keys()]),
  );
  const [project, grain, start] = bucket;
  for (const [section, cells] of sections) {
    db.run(
      "INSERT INTO sections VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET cells = excluded.cells",
      project,
      grain,
      section,
      start,
      JSON.stringify(cells),
    );
  }
  for (const section of JSON.parse(names) as readonly string[]) {
    if (!sections.has(section)) removeSection(db, { project, grain, start }, section);
  }
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
  const found = db.get(
    "SELECT v, sections FROM rollups WHERE project = ? AND grain = ? AND start = ?",
    ...bucket,
  ) as readonly [number, string] | undefined;
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
 * One section of the rollups whose start lies in a range. Those that lack it answer as `sectionOf`
 * does. A minute that has none is the sum of its deltas.
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
export function sumChildren(db: Database, [project, grain, start]: BucketRow): SumText {
  const child = childGrain(grain);
  if (child === undefined) return { v: 0, cells: JSON.stringify(emptyCells()) };
  const range = { from: start, to: start + grainMs[grain] };
  const headers = db.all(
    "SELECT start, v, sections FROM rollups WHERE project = ? AND grain = ? AND start >= ? AND start < ?",
    project,
    child,
    range.from,
    range.to,
  ) as readonly unknown[] as readonly (readonly [number, number, string])[];
  const rolledUp = headers.values().map(([at, , names]) => {
    const bucket: BucketRow = [project, child, at];
    return readCells(db, bucket, JSON.parse(names) as readonly Section[]);
  });
  const bare = child === "minute" ? bareCells(db, project, range) : { v: 0, cells: [] };
  const children = [...rolledUp, ...bare.cells];
  return {
    v: headers.reduce((total, [, v]) => total + v, bare.v),
    cells: JSON.stringify(sumInBlocks(children, mergeCells) ?? emptyCells()),
  };
}

function readCells(
  db: Database,
  [project, grain, start]: BucketRow,
  names: readonly Section[],
): Cells {
  const { dimensions, ...cells } = emptyCells();
  const sections: Record<string, unknown> = dimensions;
  for (const section of names) {
    const [text] = db.get(
      "SELECT cells FROM sections WHERE project = ? AND grain = ? AND section = ? AND start = ?",
      project,
      grain,
      section,
      start,
    ) as unknown as readonly [string];
    if (section === "types" || section === "users") cells[section] = JSON.parse(text) as never;
    else sections[section] = JSON.parse(text);
  }
  return { ...cells, dimensions };
}

function sectionsOf({ types, users, dimensions }: Cells): ReadonlyMap<Section, unknown> {
  return new Map<Section, unknown>([
    ["types", types],
    ["users", users],
    ...Object.entries(dimensions),
  ]);
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
