import { BSON, type Document } from "mongodb";
import { pathsIn, type EventFilter } from "../../../event/filter.ts";
import { userOf } from "../../../event/event.ts";
import type { Cell, Column } from "../../../questions/fold.ts";
import { fromColumn, fromRow } from "../../rows.ts";
import { columnOf, isOfBody } from "../conditions.ts";
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
 * and parse.
 * @returns `undefined` where the question reads properties: servers take longer to pick these out
 *   than to send whole events
 */
export function partsOfEvents(
  { types, sources, correlationId, userId, where = [] }: EventFilter,
  columns: readonly Column[],
): EventReader | undefined {
  const paths = [...where.flatMap(pathsIn), ...columns.flatMap(pathsOfColumn)];
  if (userId !== undefined || paths.some(isOfBody)) return undefined;
  const fields = new Set<string>([
    "timestamp",
    ...(types === undefined ? [] : ["type"]),
    ...(sources === undefined ? [] : ["source"]),
    ...(correlationId === undefined ? [] : ["correlationId"]),
    ...(columns.some((column) => "field" in column && column.field === "user") ? ["userId"] : []),
    ...paths.flatMap((path) => columnOf(path) ?? []),
  ]);
  return {
    fields: { _id: 0, ...Object.fromEntries([...fields].map((field) => [field, 1] as const)) },
    read: (bytes) => withFields(BSON.deserialize(bytes), fields),
    user: ({ user }) => user,
  };
}

/** An event of some fields of its document. */
function withFields(document: Document, fields: Iterable<string>): Record<string, unknown> {
  const event: Record<string, unknown> = {};
  for (const field of fields) {
    const value: unknown = document[field];
    if (value === undefined || value === null) continue;
    if (field === "userId") event["user"] = fromColumn(value as string);
    else if (field === "source" || field === "correlationId") {
      event[field] = fromColumn(value as string);
    } else event[field] = value;
  }
  return event;
}
