import { type Fold, rowReader } from "../../questions/fold.ts";
import { foldOf, type FoldJob, type FoldKind } from "../../questions/folds.ts";
import { deadline } from "../time-limit.ts";
import { MissingColumn } from "../columns/reader.ts";
import { columnReaderOf } from "./columns/table.ts";
import type { Database } from "./database.ts";
import { fromRow, type EventRow } from "../rows.ts";
import { toldColumns } from "./narrow.ts";
import { chunkScan, chunksOf, scansOf, type Chunk, type Scan } from "./scan.ts";
import type { Analyzed } from "../store.ts";
import type { EventFilter } from "../../event/filter.ts";

const checkEvery = 1_000;

/**
 * Folds the events that meet a filter: chunk by chunk from their columns, and from the events
 * themselves where columns are missing. One user's or one correlation's events are found by their
 * index.
 */
export function analyze<K extends FoldKind>(
  db: Database,
  filter: EventFilter,
  job: FoldJob<K>,
  timeoutMs: number,
): Analyzed<K> {
  const isInTime = deadline(timeoutMs);
  const check = () => {
    db.check();
    isInTime();
  };
  const fold = foldOf(job);
  let events = 0;
  if (filter.userId !== undefined || filter.correlationId !== undefined) {
    for (const scan of scansOf(db, filter)) {
      check();
      events += foldScan(db, scan, fold, check);
    }
  } else {
    for (const chunk of chunksOf(db, filter)) {
      check();
      events +=
        foldColumns(db, chunk, filter, fold) ?? foldChunk(db, chunk[0], filter, fold, check);
    }
  }
  return { result: fold.finish(), events };
}

/** Folds a chunk's columns; `undefined`, and nothing done, where the columns do not suffice. */
function foldColumns(
  db: Database,
  chunk: Chunk,
  filter: EventFilter,
  fold: Fold<unknown>,
): number | undefined {
  try {
    return columnReaderOf(db, ...chunk)?.fold(filter, fold);
  } catch (error) {
    if (error instanceof MissingColumn) return undefined;
    throw error;
  }
}

function foldChunk(
  db: Database,
  chunk: number,
  filter: EventFilter,
  fold: Fold<unknown>,
  check: () => void,
): number {
  const scan = chunkScan(db, filter, chunk);
  return scan === undefined ? 0 : foldScan(db, scan, fold, check);
}

function foldScan(
  db: Database,
  { sql, parameters }: Pick<Scan, "sql" | "parameters">,
  fold: Fold<unknown>,
  check: () => void,
): number {
  const read = rowReader(fold.columns);
  let count = 0;
  for (const row of db.iterate(`SELECT ${toldColumns} ${sql}`, ...parameters)) {
    fold.add(read(fromRow(row as unknown as EventRow)));
    if (++count % checkEvery === 0) check();
  }
  return count;
}
