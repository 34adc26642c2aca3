import { rowsOf } from "./batch-pack.ts";
import { append } from "./sqlite-append.ts";
import type { Database } from "./sqlite-database.ts";
import { putDeltas } from "./sqlite-deltas.ts";
import { markDirty } from "./sqlite-marks.ts";

/**
 * Steps 2 to 5 of the protocol in their order, within the caller's transaction: for a batch that owns all of
 * its events. Of another one the events alone are inserted: what it adds is still to be counted.
 * @returns whether it was all of it
 */
export function keepWhole(db: Database, batch: string, bytes: Uint8Array): boolean {
  const { events, deltas } = rowsOf({ bytes });
  if (append(db, batch, events) !== null) return false;
  putDeltas(db, deltas);
  markDirty(
    db,
    deltas.map(([project, minute]) => [project, "minute", minute]),
  );
  return true;
}
