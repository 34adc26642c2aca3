import { type PropertyPath, nameOf } from "./property-path.ts";
import { propertyAt } from "./filter.ts";
import type { StoredEvent } from "./event.ts";
import { publicEvent, selectFields, type PublicEvent } from "./public-event.ts";

export const textFormats = ["ndjson", "csv"] as const;

/** How events are written as text. */
export interface EventText {
  readonly format: (typeof textFormats)[number];
  /** The fields of each event, in this order; absent: all of it. */
  readonly fields?: readonly PropertyPath[];
  /**
   * CSV begins with a byte order mark: without it Excel takes UTF-8 for the encoding of its
   * country.
   */
  readonly bom?: true;
}

/** The columns of CSV where a request chooses none: first an event's own fields that are texts. */
const textColumns = [
  "id",
  "type",
  "timestamp",
  "source",
  "correlationId",
  "receivedAt",
  "project",
] as const;

/** Then those that may hold any JSON: always as JSON, so that the text `"10"` is not the number. */
const jsonColumns = ["data", "metadata", "context"] as const;

/** The text before the first event: the names of the columns in CSV, nothing in NDJSON. */
export function textHead({ format, fields, bom }: EventText): string {
  const mark = bom === true ? "\ufeff" : "";
  const names = fields?.map(nameOf) ?? [...textColumns, ...jsonColumns];
  return format === "csv" ? mark + csvRecord(names) : "";
}

/**
 * An event as one line of text, with its end. In NDJSON it is the event as the API shows it, with
 * `id` and the chosen fields; in CSV one value for each field, an object or array as its JSON, or
 * the columns that it has where none are chosen.
 */
export function textLine(event: StoredEvent, text: EventText): string {
  return shownLine(publicEvent(event), text);
}

/** `textLine` of an event as the API shows it. */
export function shownLine(shown: PublicEvent, { format, fields }: EventText): string {
  if (format === "ndjson") {
    return `${JSON.stringify(fields === undefined ? shown : selectFields(shown, fields))}\n`;
  }
  if (fields !== undefined) return csvRecord(fields.map((path) => propertyAt(shown, path)));
  return csvRecord([
    ...textColumns.map((name) => shown[name]),
    ...jsonColumns.map((name) => JSON.stringify(shown[name])),
  ]);
}

/**
 * One record of CSV (RFC 4180), with its CRLF. A text is quoted where it has to be; a number or
 * boolean stands as it is, `null` and `undefined` as an empty field, anything else as its JSON.
 *
 * Spreadsheets take a cell that begins with `=`, `+`, `-`, `@`, a tab or a line break for a
 * formula, and may run it. Such a text gets an apostrophe in front (OWASP, CSV Injection), unless
 * it is a plain number.
 */
export function csvRecord(values: readonly unknown[]): string {
  return `${values.map((value) => field(value)).join(",")}\r\n`;
}

/** The full-width forms count as their ASCII ones where the language is Japanese or Chinese. */
const formula = /^[=+\-@\t\r\n＝＋－＠]/;
const plainNumber = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;
const special = /[",\r\n]|^\s|\s$/;
function field(value: unknown): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const safe = formula.test(text) && !plainNumber.test(text) ? `'${text}` : text;
  return special.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
