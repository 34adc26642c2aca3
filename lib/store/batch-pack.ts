import { deserialize, serialize } from "node:v8";
import type { EnrichDone } from "../counting/delta.ts";
import { cellsOfRow, deltaCellsRow, fromRow, toRow, type DeltaRow, type EventRow } from "./rows.ts";
import type { HeldEvent } from "../event/schemas/held.ts";
import type { BatchPack } from "./store.ts";

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
export function pack(
  { batch, project, events, deltas, broken = [] }: EnrichDone,
  extras?: unknown,
): BatchPack {
  const rows: PackedRows = {
    events: events.map((event) => toRow(event, batch)),
    deltas: deltas.map(({ bucket, cells }) => [
      project,
      bucket.start,
      batch,
      ...deltaCellsRow(cells),
    ]),
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
