import { pathsIn, type EventFilter } from "../../../event/filter.ts";
import { userOf } from "../../../event/event.ts";
import type { Cell, Column } from "../../../questions/fold.ts";
import { fromColumn, fromRow } from "../../rows.ts";
import { columnOf, isOfBody } from "../conditions.ts";
import { bodyFrom } from "../documents.ts";
import { pathsOfColumn, type LoadedEvent } from "../pipeline.ts";
import { rowFields, rowFrom } from "./raw-rows.ts";

/** Reads events from the documents of a find. */
export interface EventReader {
  /** What to ask for, as a projection. */
  readonly fields: Readonly<Record<string, 0 | 1>>;
  /** Reads, from the BSON of these fields, what a question reads of an event. */
  read(bytes: Uint8Array): LoadedEvent;
  /** The user of an event that was read. */
  readonly user: (event: LoadedEvent) => Cell;
}

/** Reads whole events. */
export const wholeEvents: EventReader = {
  fields: rowFields,
  read: (bytes) => fromRow(rowFrom(bytes)),
  user: userOf,
};

/**
 * Reads of events only the fields that a question reads: a part of what a whole event takes to send
 * and parse. Where it reads properties, that is the body: servers take longer to pick these out.
 */
export function partsOfEvents(
  { types, sources, correlationId, userId, where = [] }: EventFilter,
  columns: readonly Column[],
): EventReader {
  const paths = [...where.flatMap(pathsIn), ...columns.flatMap(pathsOfColumn)];
  const readsUser = columns.some((column) => "field" in column && column.field === "user");
  const fields = new Set<string>([
    "timestamp",
    ...(types === undefined ? [] : ["type"]),
    ...(sources === undefined ? [] : ["source"]),
    ...(correlationId === undefined ? [] : ["correlationId"]),
    ...(readsUser ? ["userId"] : []),
    ...paths.flatMap((path) => columnOf(path) ?? []),
    ...(userId !== undefined || paths.some(isOfBody) ? ["body"] : []),
  ]);
  return {
    fields: { _id: 0, ...Object.fromEntries([...fields].map((field) => [field, 1] as const)) },
    read: partOf,
    user: ({ user }) => user,
  };
}

/** An event of some fields of its document. Fields that were not asked for may be empty. */
function partOf(bytes: Uint8Array): LoadedEvent {
  const row = rowFrom(bytes);
  const [project, id, batch, timestamp, receivedAt, type, source, , , hash, body] = row;
  const [, , , , , , , correlationId, user] = row;
  const about = { project, id, batch, timestamp, receivedAt, type, hash };
  return {
    ...about,
    source: fromColumn(source),
    ...(correlationId !== null && { correlationId: fromColumn(correlationId) }),
    ...(user !== null && { user: fromColumn(user) }),
    ...(body !== "" && bodyFrom(body)),
  };
}
