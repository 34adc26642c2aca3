import type { Cells, Section } from "../../counting/cells.ts";
import { fewDeltas } from "../../counting/delta.ts";
import type { Range } from "../../event/filter.ts";
import { isPacked, sumPacked } from "../packed-cells.ts";
import type { CellsRow } from "../rows.ts";
import type { Database, Row } from "./database.ts";
import {
  deltaCellsOf,
  mergeSections,
  sectionColumns,
  sectionOfRow,
  sumInBlocks,
  type SectionColumns,
  type SectionText,
} from "./deltas.ts";

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
export function bareSums(
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
export function bareCells(
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

/** Of some minutes those that have so few deltas that they get no rollup, and have none. */
export function bareAmong(
  db: Database,
  project: string,
  minutes: readonly number[],
): ReadonlySet<number> {
  const bare = db.all(
    `SELECT value FROM json_each(?2) WHERE NOT EXISTS (
        SELECT 1 FROM rollups WHERE project = ?1 AND grain = 'minute' AND start = value)
      AND (SELECT count(*) FROM (
        SELECT 1 FROM deltas WHERE project = ?1 AND minute = value LIMIT ${fewDeltas})) < ${fewDeltas}
      AND NOT EXISTS (SELECT 1 FROM recounts WHERE project = ?1 AND minute = value)`,
    project,
    JSON.stringify(minutes),
  );
  return new Set(bare.map(([minute]) => minute as number));
}
