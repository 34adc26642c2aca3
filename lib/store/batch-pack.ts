import { deserialize, serialize } from "node:v8";
import type { EnrichDone } from "../counting/delta.ts";
import { readCells } from "./cells-json.ts";
import { cellsRow, type DeltaRow, fromRow, toRow, type EventRow } from "./rows.ts";
import type { BatchPack } from "./store.ts";

/** What a pack holds: rows, which SQLite takes as they are. */
interface PackedRows {
  readonly events: readonly EventRow[];
  /** With one of each minute of the events. */
  readonly deltas: readonly DeltaRow[];
}

export function pack({ batch, project, events, deltas }: EnrichDone): BatchPack {
  const rows: PackedRows = {
    events: events.map((event) => toRow(event, batch)),
    deltas: deltas.map(({ bucket, cells }) => [project, bucket.start, batch, ...cellsRow(cells)]),
  };
  return { batch, project, count: events.length, bytes: serialize(rows) };
}

export function rowsOf({ bytes }: Pick<BatchPack, "bytes">): PackedRows {
  return deserialize(bytes) as PackedRows;
}

/** What was packed, for a store that takes no rows. */
export function unpack(packed: BatchPack): EnrichDone {
  const { batch, project } = packed;
  const { events, deltas } = rowsOf(packed);
  return {
    batch,
    project,
    events: events.map(fromRow),
    deltas: deltas.map(([, start, , ...[types, users, dimensions]]) => ({
      batch,
      bucket: { project, grain: "minute", start },
      cells: readCells(`{"types":${types},"users":${users},"dimensions":${dimensions}}`),
    })),
  };
}
