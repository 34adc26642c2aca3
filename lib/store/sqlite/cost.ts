import { foldOf, type FoldJob } from "../../questions/folds.ts";
import type { EventFilter } from "../../event/filter.ts";
import { columnsRead } from "../columns/names.ts";
import { liesWithin } from "../columns/reader.ts";
import type { ReadCost } from "../store.ts";
import type { Database } from "./database.ts";
import { spanOf } from "./places.ts";
import { chunksOf } from "./scan.ts";

/** Estimates what `analyze` reads; see the store's `cost`. Reads no column. */
export function cost(db: Database, filter: EventFilter, job: FoldJob): ReadCost | undefined {
  if (filter.userId !== undefined || filter.correlationId !== undefined) return undefined;
  const { columns: read } = foldOf(job);
  const [newest = -1] = (db.get("SELECT max(seq) FROM events") ?? []) as (number | null)[];
  let [columns, bytes, rows] = [0, 0, 0];
  for (const [chunk, oldest, latest] of chunksOf(db, filter)) {
    db.check();
    const isWithin = liesWithin({ oldest, newest: latest }, filter);
    const found = db.get(
      `SELECT count(*), total(length(bytes)) FROM columns
        WHERE chunk = ? AND name IN (SELECT value FROM json_each(?))`,
      chunk,
      JSON.stringify(columnsRead(filter, read, { isWithin })),
    ) as readonly [number, number];
    columns += found[0];
    bytes += found[1];
    const [first, last] = spanOf(chunk);
    if (found[0] === 0) rows += Math.max(0, Math.min(last, newest ?? -1) - first + 1);
  }
  return { columns, bytes, rows };
}
