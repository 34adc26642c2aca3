import type { PropertyPath } from "./filter.ts";
import { propertyAt } from "./condition.ts";
import { csvRecord } from "./csv.ts";
import type { StoredEvent } from "./event.ts";
import { nameOf } from "./property-path.ts";
import { publicEvent, selectFields } from "./public-event.ts";

export const textFormats = ["ndjson", "csv"] as const;

/** How events are written as text. */
export interface EventText {
  readonly format: (typeof textFormats)[number];
  /** What of each event, in this order; all of it where absent. */
  readonly fields?: readonly PropertyPath[];
  /** CSV begins with a byte order mark: without it Excel takes UTF-8 for the encoding of its country. */
  readonly bom?: true;
}

/** The columns of CSV where none are chosen: an event's own fields, the last three as JSON. */
const columns: readonly PropertyPath[] = [
  ["id"],
  ["type"],
  ["timestamp"],
  ["source"],
  ["correlationId"],
  ["receivedAt"],
  ["project"],
  ["data"],
  ["metadata"],
  ["context"],
];

/** What stands before the first event: the names of the columns in CSV, nothing in NDJSON. */
export function textHead({ format, fields = columns, bom }: EventText): string {
  const mark = bom === true ? "\ufeff" : "";
  return format === "csv" ? mark + csvRecord(fields.map(nameOf)) : "";
}

/**
 * An event as one line of text, with its end. In NDJSON it is the event as the API shows it, with `id` and the
 * chosen fields; in CSV one value for each field, an object or array as its JSON.
 */
export function textLine(event: StoredEvent, { format, fields }: EventText): string {
  const shown = publicEvent(event);
  if (format === "ndjson") {
    return `${JSON.stringify(fields === undefined ? shown : selectFields(shown, fields))}\n`;
  }
  return csvRecord((fields ?? columns).map((path) => propertyAt(shown, path)));
}
