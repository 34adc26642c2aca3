import { madeAt } from "../../event/batch-message.ts";
import { emptyCells, mergeCells } from "../../counting/cells.ts";
import { grainMs } from "../../counting/bucket.ts";
import { keyCells } from "../../counting/delta.ts";
import type { StoredEvent } from "../../event/event.ts";
import {
  cellsRow,
  deltaCellsRow,
  eventColumns,
  fromRow,
  withoutBody,
  type DeltaRow,
  type EventRow,
} from "../rows.ts";
import { searchChanges } from "../changed.ts";
import type { SumText } from "../cells-text.ts";
import type { Recounted } from "../erasing.ts";
import type { Database } from "./database.ts";
import { mayLack } from "./floors.ts";
import { idText, projectForms, toldColumns } from "./narrow.ts";
import { markDirty, type BucketRow } from "./marks.ts";
import {
  type CondensePlan,
  ofMinute,
  folded,
  beyondDeltas,
  foldedCells,
  isAsPlanned,
  putFold,
  putFoldedCells,
  sumInBlocks,
} from "./delta-sums.ts";

/** The number of events in memory at a time while a minute is counted anew. */
const eventBlock = 1_000;

/**
 * Inserts the deltas that are absent. Where a batch's delta may have been compacted, its minute is
 * counted anew instead: the batch's events are stored. A minute that cannot be counted anew stays:
 * its events are counted when they are inserted (`countInserted`).
 * @returns the places of the deltas that were there already, or of minutes that stay
 */
export function putDeltas(
  db: Database,
  deltas: readonly DeltaRow[],
  dimensions: readonly string[],
): readonly number[] {
  const [through] = db.get("SELECT through FROM compactions") as unknown as readonly [number];
  const insert = db.prepared("INSERT INTO deltas VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING");
  const existing: number[] = [];
  for (const [at, delta] of deltas.entries()) {
    const [project, minute, batch] = delta;
    if (madeAt(batch) <= through && isCompacted(db, project, minute, batch)) {
      if (mayLack(db, project, minute)) existing.push(at);
      else recountNow(db, project, minute, dimensions);
    } else if (insert.run(...delta).changes === 0) existing.push(at);
  }
  return existing;
}

/** Counts a minute anew within the transaction of the caller, whose events it then counts. */
export function recountNow(
  db: Database,
  project: string,
  minute: number,
  dimensions: readonly string[],
): void {
  const bucket: BucketRow = [project, "minute", minute];
  putRecount(db, bucket, planRecount(db, bucket, dimensions));
}

/** Whether a batch has a delta in a minute. */
export function hasDelta(db: Database, project: string, minute: number, batch: string): boolean {
  return db.get(`SELECT 1 ${ofMinute} AND batch = ?`, project, minute, batch) !== undefined;
}

/** Whether compaction has removed the deltas of batches as old as this one from a minute. */
function isCompacted(db: Database, project: string, minute: number, batch: string): boolean {
  return madeAt(batch) <= beyondDeltas(db, project, minute).through;
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
  raiseVersion(db, bucket);
  return true;
}

/** Adds 1 to a minute's `v`, and marks the minute. */
function raiseVersion(db: Database, bucket: BucketRow): void {
  const [project, , minute] = bucket;
  db.run(
    "INSERT INTO recounts VALUES (?, ?, 1, 0) ON CONFLICT DO UPDATE SET n = n + 1",
    project,
    minute,
  );
  markDirty(db, [bucket]);
}

/**
 * Counts events of a batch that were inserted within the transaction of the caller into a minute
 * whose other events may be gone: the batch gets its delta, or where it had one the events are
 * added to the minute's condensed cells.
 */
export function countInserted(
  db: Database,
  bucket: BucketRow,
  batch: string,
  rows: readonly EventRow[],
  dimensions: readonly string[],
): void {
  const [project, , minute] = bucket;
  if (!hasDelta(db, project, minute, batch) && !isCompacted(db, project, minute, batch)) {
    completeDelta(db, project, minute, batch, dimensions);
    return;
  }
  const added = keyCells(rows.map(fromRow), dimensions);
  const before = foldedCells(db, project, minute);
  const cells = before === undefined ? added : mergeCells([before, added]);
  putFoldedCells(db, project, minute, deltaCellsRow(cells));
  raiseVersion(db, bucket);
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

/** Called with each readable event of a minute, whether its batch counts or not. */
type Inspect = (event: StoredEvent) => void;

function countAnew(
  db: Database,
  [project, , minute]: BucketRow,
  dimensions: readonly string[],
  inspect?: Inspect,
): RecountPlan {
  const rows = db.all(`SELECT batch, types IS NULL ${ofMinute}`, project, minute);
  const batches = rows.map(([batch]) => batch as string).filter((batch) => batch !== folded);
  const known = new Set(batches);
  const { n, through } = beyondDeltas(db, project, minute);
  const counts = (batch: string) => known.has(batch) || madeAt(batch) <= through;
  const events = minuteEvents(db, project, minute, inspect).filter(({ batch }) => counts(batch));
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
 * Counts a minute as `planRecount` does, lists the batches of older events that it leaves out, and
 * compares each event with the hash of what was sent.
 */
export function recounted(
  db: Database,
  bucket: BucketRow,
  before: number,
  dimensions: readonly string[],
): SumText & Pick<Recounted, "uncounted" | "changed"> {
  const changes = searchChanges();
  const { batches, recounts, cells, counts } = countAnew(db, bucket, dimensions, changes.add);
  const [project, , minute] = bucket;
  const owners = projectForms(db, project).flatMap((form) =>
    db.all(
      `SELECT ${idText("batch")} FROM (SELECT DISTINCT batch FROM events INDEXED BY events_by_time
        WHERE project = ? AND timestamp >= ? AND timestamp < ? AND received_at < ?)`,
      form,
      minute,
      minute + grainMs.minute,
      before,
    ),
  );
  const [types, users, values] = cells;
  return {
    v: batches.length + recounts,
    cells: `{"types":${types},"users":${users},"dimensions":${values}}`,
    uncounted: [...new Set(owners.map(([batch]) => batch as string))].filter(
      (batch) => !counts(batch),
    ),
    changed: changes.found,
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

/** Inserts the delta of a batch that has none in a minute, from the events that it owns there. */
export function completeDelta(
  db: Database,
  project: string,
  minute: number,
  batch: string,
  dimensions: readonly string[],
): void {
  if (hasDelta(db, project, minute, batch) || isCompacted(db, project, minute, batch)) return;
  const events = minuteEvents(db, project, minute).filter((event) => event.batch === batch);
  const cells = deltaCellsRow(keyCells([...events], dimensions));
  putDeltas(db, [[project, minute, batch, ...cells]], dimensions);
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
  inspect: Inspect = () => undefined,
): Generator<StoredEvent, void, undefined> {
  const within = "project = ? AND timestamp >= ? AND timestamp < ?";
  const bounds = [minute, minute + grainMs.minute] as const;
  for (const form of projectForms(db, project)) {
    const rows = db.iterate(
      `SELECT ${toldColumns} FROM events INDEXED BY events_by_time WHERE ${within}`,
      form,
      ...bounds,
    );
    for (const row of rows as Iterable<unknown> as Iterable<EventRow>) {
      const event = fromRow(row);
      inspect(event);
      yield event;
    }
  }
  const broken = db.iterate(
    `SELECT ${eventColumns} FROM broken WHERE ${within}`,
    project,
    ...bounds,
  );
  yield* Iterator.from(broken as Iterable<unknown> as Iterable<EventRow>).map(withoutBody);
}
