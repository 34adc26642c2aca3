import { ColumnReader } from "../../columns/reader.ts";
import { ColumnWriter, type WrittenColumns } from "../../columns/writer.ts";
import type { Database } from "../database.ts";
import { projectText } from "../narrow.ts";
import { overwriting } from "../overwriting.ts";
import { eventColumns, type EventRow } from "../../rows.ts";
import { dropNotes, spanOf, ownerHashes, partName, PlacesBuilder } from "../places.ts";
import { chunkSize } from "../schema.ts";

/** The name of the column that lists the other columns. */
const head = "";

interface Head {
  readonly rows: number;
  readonly complete: boolean;
}

/**
 * The number of rows that are read at a time: reading them one by one takes twice as long. A
 * divisor of `chunkSize`.
 */
const rowsAtOnce = 512;

type ToldRow = readonly [...EventRow, seq: number];

/** Reads the fields of events that columns hold; ids, batches and hashes are left empty. */
const fields = `SELECT ${eventColumns.replace(/\b(id|batch|hash)\b/g, "''").replace("project", projectText)}, seq
  FROM events WHERE seq BETWEEN ? AND ? ORDER BY seq`;

/** The columns of a chunk, before they are stored. */
interface ChunkColumns extends WrittenColumns {
  readonly chunk: number;
}

/**
 * Makes the columns of the oldest full chunk without columns. Takes about 8 µs for each event.
 * @returns `undefined` where each full chunk has its columns
 */
export function nextColumns(db: Database): ChunkColumns | undefined {
  const chunk = firstWithoutColumns(db);
  if (chunk === undefined) return undefined;
  const writer = new ColumnWriter(chunkSize);
  const places = new PlacesBuilder();
  const [first, last] = spanOf(chunk);
  for (let from = first; from <= last; from += rowsAtOnce) {
    const to = from + rowsAtOnce - 1;
    for (const row of db.all(fields, from, to)) {
      const [, , , , , , , correlation, user, , , seq] = row as readonly unknown[] as ToldRow;
      writer.add(row as readonly unknown[] as EventRow);
      places.add(seq - first, ownerHashes(user, correlation));
    }
  }
  const { columns, ...written } = writer.finish();
  return { chunk, ...written, columns: [...columns, ...places.finish()] };
}

/** Whether a full chunk lacks columns. */
export function lacksColumns(db: Database): boolean {
  return firstWithoutColumns(db) !== undefined;
}

/**
 * Stores a chunk's columns. Does nothing where events of the chunk were removed since they were
 * read.
 */
export function putColumns(db: Database, { chunk, rows, complete, columns }: ChunkColumns): void {
  const [count] = db.get(
    "SELECT count(*) FROM events WHERE seq BETWEEN ? AND ?",
    ...spanOf(chunk),
  )!;
  if (count !== rows) return;
  const about = Buffer.from(JSON.stringify({ rows, complete } satisfies Head));
  overwriting(db, () => {
    for (const [name, bytes] of [...columns, [head, about] as const]) {
      db.run("INSERT OR REPLACE INTO columns VALUES (?, ?, ?)", chunk, name, bytes);
    }
    dropNotes(db, chunk);
  });
}

/**
 * A reader of a chunk's columns.
 * @param oldest the timestamp of the project's oldest event in the chunk
 * @param newest the timestamp of the project's newest event in the chunk
 * @returns `undefined` where the chunk has no columns
 */
export function columnReaderOf(
  db: Database,
  chunk: number,
  oldest: number,
  newest: number,
): ColumnReader | undefined {
  const fetch = (name: string) =>
    db.get("SELECT bytes FROM columns WHERE chunk = ? AND name = ?", chunk, name)?.[0] as
      Uint8Array | undefined;
  const about = fetch(head);
  if (about === undefined) return undefined;
  const { rows, complete } = JSON.parse(Buffer.from(about).toString()) as Head;
  return new ColumnReader({ rows, complete, oldest, newest, fetch });
}

/**
 * Finds the first full chunk without columns. Chunks get their columns in the order in which they
 * fill up. Chunks that have lost events get new columns, and so do chunks of versions whose columns
 * lack the events' owners.
 */
function firstWithoutColumns(db: Database): number | undefined {
  const [last] = db.get("SELECT max(seq) FROM events") ?? [null];
  if (last === null) return undefined;
  const full = Math.floor((last as number) / chunkSize);
  const found = db.get(
    `SELECT chunk FROM chunks WHERE chunk < ? AND NOT EXISTS
      (SELECT 1 FROM columns WHERE columns.chunk = chunks.chunk AND columns.name = ?)
      ORDER BY chunk LIMIT 1`,
    full,
    partName("user", 0),
  );
  return found?.[0] as number | undefined;
}
