import { BSON, type Document } from "mongodb";
import { pathsIn, type EventFilter } from "../../../event/filter.ts";
import { userOf } from "../../../event/event.ts";
import { hasElements } from "../../../event/property-path.ts";
import type { Cell, Column } from "../../../questions/fold.ts";
import { fromColumn, fromRow } from "../../rows.ts";
import { columnOf, isOfBody } from "../conditions.ts";
import { pathsOfColumn, place, unique, type LoadedEvent } from "../pipeline.ts";
import { fromProperty, propertyField, type Properties } from "../properties.ts";
import { rowFields, rowFrom } from "./raw-rows.ts";

/** Reads events from the documents of a find. */
export interface EventReader {
  /** What to ask for, as a projection. */
  readonly fields: Readonly<Record<string, 0 | 1>>;
  /**
   * Reads, from the BSON of these fields, what a question reads of an event.
   * @returns `undefined` where the event has no `properties`, so that its body must be read
   */
  read(bytes: Uint8Array): LoadedEvent | undefined;
  /** The user of an event that was read. */
  readonly user: (event: LoadedEvent) => Cell;
}

/** Reads whole events. */
export const wholeEvents: EventReader = {
  fields: rowFields,
  read: (bytes) => fromRow(rowFrom(bytes)),
  user: userOf,
};

/** A property that all documents with `properties` have, whatever their events' own ones are. */
const always = { name: "context", field: "properties.context" } as const;

/**
 * Reads of events only what a question reads: a part of what a whole event takes to send and parse.
 * @returns `undefined` where the question needs whole events
 */
export function partsOfEvents(
  { types, sources, correlationId, userId, where = [] }: EventFilter,
  columns: readonly Column[],
): EventReader | undefined {
  const paths = unique([...where.flatMap(pathsIn), ...columns.flatMap(pathsOfColumn)]);
  if (userId !== undefined || paths.some(hasElements)) return undefined;
  const fields = new Set<string>([
    "timestamp",
    ...(types === undefined ? [] : ["type"]),
    ...(sources === undefined ? [] : ["source"]),
    ...(correlationId === undefined ? [] : ["correlationId"]),
    ...(columns.some((column) => "field" in column && column.field === "user") ? ["userId"] : []),
    ...paths.flatMap((path) => columnOf(path) ?? []),
  ]);
  const inBody = paths.filter(isOfBody).sort((a, b) => a.length - b.length);
  const named = inBody.flatMap((path) => {
    const field = propertyField(path);
    return field === undefined ? [] : [{ path, field, name: field.slice(field.indexOf(".") + 1) }];
  });
  const needsProperties = inBody.length > 0;
  const asked = new Set([
    ...fields,
    ...named.map(({ field }) => field),
    ...(needsProperties ? [always.field] : []),
  ]);
  return {
    fields: { _id: 0, ...Object.fromEntries([...asked].map((field) => [field, 1] as const)) },
    read(bytes) {
      const document = BSON.deserialize(bytes);
      const event = withFields(document, fields);
      if (!needsProperties) return event;
      const properties = document["properties"] as Properties | undefined;
      if (properties?.[always.name] === undefined) return undefined;
      for (const { path, name } of named) {
        const value = properties[name];
        if (value !== undefined) place(event, path, fromProperty(value));
      }
      return event;
    },
    user: ({ user }) => user,
  };
}

/** Meets the documents that have no `properties`. */
export const lacksProperties = { [always.field]: { $exists: false } } as const;

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
