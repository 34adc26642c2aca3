import type { Cells } from "../counting/cells.ts";
import { byMinute, countCells, keyReaders, type EnrichDone } from "../counting/delta.ts";
import { type BatchId, type StoredEvent, userOf } from "../event/event.ts";
import { readCells, eventPacker, packCells, unpackCells, type PackedCells } from "./cells-text.ts";
import { deserialize, serialize } from "node:v8";
import type { HeldEvent } from "../event/schemas/held.ts";
import type { BatchPack } from "./store.ts";

/**
 * An event as it crosses between threads and as the file holds it, in the order of `eventColumns`.
 */
export type EventRow = readonly [
  project: string,
  id: string,
  batch: string,
  timestamp: number,
  receivedAt: number,
  type: string,
  source: string,
  correlationId: string | null,
  userId: string | null,
  hash: string,
  body: string,
];

export const eventColumns =
  "project, id, batch, timestamp, received_at, type, source, correlation_id, user_id, hash, body";

/** About how many bytes a row takes as JSON. */
export function bodyBytes([, , , , , , , , , , body]: EventRow): number {
  return sizeOfBody(body);
}

/** `bodyBytes` of a row with this body. */
export function sizeOfBody(body: string): number {
  return Buffer.byteLength(body) + 256;
}

/** The free parts of an event, and what enrichment adds: kept as one JSON text. */
export type Body = Pick<StoredEvent, "data" | "metadata" | "context">;

export function toRow(event: StoredEvent, batch: BatchId): EventRow {
  const { data, metadata, context } = event;
  const user = userOf(event);
  return [
    event.project,
    event.id,
    batch,
    event.timestamp,
    event.receivedAt,
    event.type,
    toColumn(event.source),
    event.correlationId === undefined ? null : toColumn(event.correlationId),
    user === undefined ? null : toColumn(user),
    event.hash,
    toBody({ data, metadata, context }),
  ];
}

export function fromRow(row: EventRow): StoredEvent {
  const [project, id, batch, timestamp, receivedAt, type, source, correlationId, , hash, body] =
    row;
  const { data, metadata, context } = JSON.parse(body) as Body;
  return {
    id,
    type,
    ...(data !== undefined && { data }),
    timestamp,
    source: fromColumn(source),
    ...(correlationId !== null && { correlationId: fromColumn(correlationId) }),
    ...(metadata !== undefined && { metadata }),
    receivedAt,
    project,
    context,
    batch,
    hash,
  };
}

/** A row whose body cannot be read, as an event of the fields beside the body. */
export function withoutBody(row: EventRow): StoredEvent {
  const user = row[8];
  const metadata = user === null ? {} : { userId: fromColumn(user) };
  return fromRow([...row.slice(0, 10), JSON.stringify({ metadata, context: {} })] as never);
}

/**
 * SQLite takes NUL for the end of a key within JSON, so it finds `a` under `a\u0000b`. A body that
 * may hold such a key begins with a space, and SQLite's JSON functions skip it.
 */
function toBody(body: Body): string {
  const json = JSON.stringify(body);
  return json.includes("\\u0000") ? ` ${json}` : json;
}

/** SQL that says whether a body begins with that space. */
export const isMarked = "body < '!'";

const escape = "\u0001";

/**
 * The form of any text in a column. SQLite's texts are UTF-8, where a lone surrogate would become
 * another character: such texts are kept as JSON behind a mark, so equal columns mean equal texts.
 * Ids, types, projects and batches are plain ASCII and stay as they are.
 */
export function toColumn(text: string): string {
  if (text.isWellFormed() && !text.startsWith(escape)) return text;
  return escape + JSON.stringify(text);
}

export function fromColumn(column: string): string {
  return column.startsWith(escape) ? (JSON.parse(column.slice(1)) as string) : column;
}

/** Cells as texts of JSON: what the columns hold. */
export type CellsRow = readonly [types: string, users: string, dimensions: string];

export type DeltaRow = readonly [
  project: string,
  minute: number,
  batch: string,
  ...(CellsRow | PackedRow),
];

/** The cells of a few events: packed, all in the first column. */
export type PackedRow = readonly [packed: PackedCells, users: null, dimensions: null];

export function deltaCellsRow(cells: Cells): CellsRow | PackedRow {
  const packed = packCells(cells);
  return packed === undefined ? cellsRow(cells) : [packed, null, null];
}

/** Reads cells from their row; their records have no prototype. */
export function cellsOfRow([types, users, dimensions]: CellsRow | PackedRow): Cells {
  if (users === null) return unpackCells(types);
  return readCells(`{"types":${types},"users":${users},"dimensions":${dimensions}}`);
}

export function cellsRow({ types, users, dimensions }: Cells): CellsRow {
  return [JSON.stringify(types), JSON.stringify(users), JSON.stringify(dimensions)];
}

/**
 * The content of a pack: rows, which SQLite takes as they are, and what its store wants to be made
 * on the worker's thread.
 */
interface PackedRows {
  readonly events: readonly EventRow[];
  /** One delta at least for each minute of the events. */
  readonly deltas: readonly DeltaRow[];
  /** The events that break their schema; absent where there are none. */
  readonly broken?: readonly HeldEvent[];
  readonly extras?: unknown;
}

/** @param extras plain data for the store of a back end */
export function pack({ deltas, ...done }: EnrichDone, extras?: unknown): BatchPack {
  const rows = deltas.map(({ bucket, cells }): DeltaRow => {
    return [done.project, bucket.start, done.batch, ...deltaCellsRow(cells)];
  });
  return packRows(done, rows, extras);
}

/** `pack` of events with the deltas that `deltasOf` counts for them, only quicker. */
export function packCounted(
  done: Omit<EnrichDone, "deltas">,
  dimensions: readonly string[],
): BatchPack {
  const { batch, project, events } = done;
  const readers = keyReaders(dimensions);
  const packed = eventPacker(readers);
  const rows = byMinute(events).map(([start, within]): DeltaRow => {
    return within.length === 1 && packed !== undefined
      ? [project, start, batch, packed(within[0]!), null, null]
      : [project, start, batch, ...deltaCellsRow(countCells(within, readers))];
  });
  return packRows(done, rows);
}

function packRows(
  { batch, project, events, broken = [] }: Omit<EnrichDone, "deltas">,
  deltas: readonly DeltaRow[],
  extras?: unknown,
): BatchPack {
  const rows: PackedRows = {
    events: events.map((event) => toRow(event, batch)),
    deltas,
    ...(broken.length > 0 && { broken }),
    ...(extras !== undefined && { extras }),
  };
  const [count, apart] = [events.length, broken.length];
  return { batch, project, count, broken: apart, bytes: serialize(rows) };
}

export function rowsOf({ bytes }: Pick<BatchPack, "bytes">): PackedRows {
  return deserialize(bytes) as PackedRows;
}

/** Unpacks a batch for code that reads it event by event. */
export function unpack(packed: BatchPack): EnrichDone {
  const { batch, project } = packed;
  const { events, deltas, broken } = rowsOf(packed);
  return {
    batch,
    project,
    events: events.map(fromRow),
    ...(broken && { broken }),
    deltas: deltas.map(([, start, , ...cells]) => ({
      batch,
      bucket: { project, grain: "minute", start },
      cells: cellsOfRow(cells),
    })),
  };
}
