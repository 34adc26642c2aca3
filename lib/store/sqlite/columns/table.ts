import { ColumnReader } from "../../columns/reader.ts";
import { ColumnWriter, type ReadBody, type WrittenColumns } from "../../columns/writer.ts";
import type { Database } from "../database.ts";
import { overwriting } from "../overwriting.ts";
import { dropNotes, spanOf, ownerHashes, partNames, PlacesBuilder } from "../places.ts";
import { chunkSize } from "../schema.ts";

/** The name of the column that lists the other columns. */
const head = "";

interface Head {
  readonly rows: number;
  readonly complete: boolean;
}

/**
 * The number of rows that are read at a time. All of them come as one row, whose columns are JSON:
 * the columns of a chunk take 5.9 µs for each event so, and 7.6 with a row and a body at a time. A
 * divisor of `chunkSize`.
 */
const rowsAtOnce = 128;

/** The fields beside the body that columns hold, in the order of `Block`. */
const fieldNames = "seq project timestamp received_at type source correlation_id user_id".split(
  " ",
);

/** Reads these fields of events and their bodies, each as an array; a walk along the rows' numbers. */
const block = `SELECT ${fieldNames.map((name) => `json_group_array(${name})`).join(", ")},
    '[' || group_concat(body) || ']'
  FROM events NOT INDEXED WHERE seq BETWEEN ? AND ?`;

const singleBodies = "SELECT body FROM events WHERE seq BETWEEN ? AND ? ORDER BY seq";

/** The columns of a chunk, before they are stored. */
interface ChunkColumns extends WrittenColumns {
  readonly chunk: number;
}

/**
 * Makes the columns of the oldest full chunk without columns. Takes about 6 µs for each event.
 * @returns `undefined` where each full chunk has its columns
 */
export function nextColumns(db: Database): ChunkColumns | undefined {
  const chunk = firstWithoutColumns(db);
  if (chunk === undefined) return undefined;
  const writer = new ColumnWriter(chunkSize);
  const places = new PlacesBuilder();
  const nameOf = projectNames(db);
  const [first, last] = spanOf(chunk);
  for (let from = first; from <= last; from += rowsAtOnce) {
    const [seqs, projects, timestamps, receivedAts, types, sources, correlations, users, bodies] =
      readBlock(db, from, from + rowsAtOnce - 1);
    for (let at = 0; at < seqs.length; at++) {
      const [correlation, user] = [correlations[at]!, users[at]!];
      const texts = [nameOf(projects[at]!), types[at]!, sources[at]!, correlation, user];
      writer.addRead(timestamps[at]!, receivedAts[at]!, texts, bodies[at]!);
      places.add(seqs[at]! - first, ownerHashes(user, correlation));
    }
  }
  const { columns, ...written } = writer.finish();
  return { chunk, ...written, columns: [...columns, ...places.finish()] };
}

/** The fields of some events, each as an array. */
type Block = readonly [
  seqs: readonly number[],
  projects: readonly (number | string)[],
  timestamps: readonly number[],
  receivedAts: readonly number[],
  types: readonly string[],
  sources: readonly string[],
  correlations: readonly (string | null)[],
  users: readonly (string | null)[],
  bodies: readonly ReadBody[],
];

/** @throws SyntaxError where a body cannot be read */
function readBlock(db: Database, from: number, to: number): Block {
  const row = db.get(block, from, to) as readonly (string | null)[];
  const [seqs, ...others] = row.slice(0, -1).map((json) => JSON.parse(json!) as unknown[]);
  return [seqs, ...others, readBodies(db, row.at(-1) ?? "[]", seqs!.length, from, to)] as never;
}

/** @param json the bodies as an array; where one of them is damaged it may be any text */
function readBodies(
  db: Database,
  json: string,
  count: number,
  from: number,
  to: number,
): readonly ReadBody[] {
  try {
    const read = JSON.parse(json) as readonly ReadBody[];
    if (read.length === count) return read;
  } catch {
    // Read one by one, the first that is damaged throws.
  }
  return db.all(singleBodies, from, to).map(([body]) => JSON.parse(body as string) as ReadBody);
}

/** Returns a reader of projects' names from the column of events, which has numbers and names. */
function projectNames(db: Database): (project: number | string) => string | null {
  const rows = db.all("SELECT n, name FROM projects") as unknown as readonly [number, string][];
  const names = new Map<number | string, string>(rows);
  return (project) => (typeof project === "string" ? project : (names.get(project) ?? null));
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
  // In the order of the table's key, which fills its pages: in another they are half empty.
  const inOrder = [...columns, [head, about] as const].sort(([a], [b]) => (a < b ? -1 : 1));
  overwriting(db, () => {
    for (const [name, bytes] of inOrder) {
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
      (SELECT 1 FROM columns WHERE columns.chunk = chunks.chunk AND columns.name IN (?, ?))
      ORDER BY chunk LIMIT 1`,
    full,
    ...partNames("user", 0),
  );
  return found?.[0] as number | undefined;
}
