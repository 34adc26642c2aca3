import { deserialize, serialize } from "node:v8";
import type { EnrichDone } from "../event/enrich-job.ts";
import type { BatchId, ProjectId } from "../event/event.ts";
import { readCells } from "./cells-json.ts";
import { cellsRow, type DeltaRow } from "./sqlite-deltas.ts";
import { fromRow, toRow, type EventRow } from "./sqlite-rows.ts";

/**
 * An enriched batch on its way from the enrichment's thread to the store's, in one piece of memory: the event
 * loop between them hands it on unread, and pays for the batch, not for its events.
 */
export interface BatchPack {
  readonly batch: BatchId;
  readonly project: ProjectId;
  /** How many events it holds. */
  readonly count: number;
  readonly bytes: Uint8Array;
}

/** What a pack holds: rows, which SQLite takes as they are. */
export interface PackedRows {
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
