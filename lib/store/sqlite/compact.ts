import { madeAt } from "../../event/batch-message.ts";
import { emptyCells, mergeCells } from "../../counting/cells.ts";
import type { Range } from "../../event/filter.ts";
import { deltaCellsRow, type CellsRow, type PackedRow } from "../rows.ts";
import type { Database } from "./database.ts";
import { deltaCellsOf, folded, putFoldedCells, sumInBlocks } from "./delta-sums.ts";

type Stored = readonly [batch: string, ...(CellsRow | PackedRow | readonly [null, null, null])];

/** Up to so many minutes of a range of which deltas can be summed up, ascending. Reads only. */
export function compactable(
  db: Database,
  project: string,
  { from, to }: Range,
  madeUntil: number,
  limit: number,
): readonly number[] {
  const rows = db.iterate(
    `SELECT minute, batch FROM deltas WHERE project = ? AND minute >= ? AND minute < ?
      ORDER BY minute`,
    project,
    from,
    to,
  ) as Iterable<unknown> as Iterable<readonly [number, string]>;
  const found: number[] = [];
  let last = NaN;
  let [old, sums] = [0, 0];
  const end = () => {
    if (old > 0 && old + sums > 1) found.push(last);
  };
  for (const [minute, batch] of rows) {
    if (minute !== last) {
      end();
      if (found.length === limit) return found;
      last = minute;
      [old, sums] = [0, 0];
    }
    if (batch === folded) sums += 1;
    else if (madeAt(batch) <= madeUntil) old += 1;
  }
  end();
  return found;
}

/**
 * Put the sum of a minute's deltas in their place, of batches that were made up to an instant. The
 * minute weighs as much as before. @returns how many deltas are gone
 */
export function compact(
  db: Database,
  project: string,
  minutes: readonly number[],
  madeUntil: number,
): number {
  let removed = 0;
  for (const minute of minutes) removed += compactMinute(db, project, minute, madeUntil);
  if (removed > 0) db.run("UPDATE compactions SET through = max(through, ?)", madeUntil);
  return removed;
}

function compactMinute(db: Database, project: string, minute: number, madeUntil: number): number {
  const rows = db.all(
    "SELECT batch, types, users, dimensions FROM deltas WHERE project = ? AND minute = ?",
    project,
    minute,
  ) as readonly unknown[] as readonly Stored[];
  const old = rows.filter(([batch]) => batch !== folded && madeAt(batch) <= madeUntil);
  const sum = rows.filter(([batch]) => batch === folded);
  if (old.length === 0 || old.length + sum.length < 2) return 0;
  const open = [...sum, ...old].flatMap(([, types, ...others]) =>
    types === null ? [] : [deltaCellsOf([types, ...others] as CellsRow | PackedRow)],
  );
  if (open.length > sum.length) {
    const cells = deltaCellsRow(sumInBlocks(open, mergeCells) ?? emptyCells());
    putFoldedCells(db, project, minute, cells);
  }
  for (const [batch] of old) {
    db.run(
      "DELETE FROM deltas WHERE project = ? AND minute = ? AND batch = ?",
      project,
      minute,
      batch,
    );
  }
  db.run(
    `INSERT INTO recounts VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE
      SET n = n + excluded.n, through = max(through, excluded.through)`,
    project,
    minute,
    old.length,
    madeUntil,
  );
  return old.length;
}
