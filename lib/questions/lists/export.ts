import { textFormats, type EventText } from "../../event/event-text.ts";
import { choice, described, fieldOf, type Raw } from "../reading/field.ts";
import {
  filterFields,
  filterOfParameters,
  openFilter,
  type OpenFilter,
} from "../reading/filter-parameters.ts";
import { readParameters } from "../reading/parameters.ts";
import type { Reason } from "../answer-meta.ts";
import { listCursor, readCursor, shownFields, type Position } from "./list.ts";

/** What `GET /api/v1/events/export` asks, checked. */
export interface ExportQuestion {
  readonly filter: OpenFilter;
  readonly order: "asc" | "desc";
  readonly text: EventText;
  readonly after?: Position;
}

/** A part of an export. */
export interface ExportPage {
  /** Whole lines; the first page begins with the head of the table. */
  readonly text: string;
  /** For the next page; `null` where this is the last one. */
  readonly nextCursor: string | null;
  /**
   * RFC 3339: every event accepted before is in the export. Of the first page only, else `null`.
   */
  readonly asOf: string | null;
  /** Of the first part: whether all that is asked for is still kept. */
  readonly exact?: boolean;
  readonly because?: readonly Reason[];
}

/** `bom=true`: a byte order mark, which Excel needs to tell UTF-8; NDJSON has none. */
const bom = fieldOf<boolean>(
  {
    rule: { type: "boolean" },
    spelled: (value) => (value === "true" || value === "false" ? value === "true" : value),
    code: "choice",
    message: (name) => `${name} must be one of true, false`,
  },
  false,
);

const own = {
  format: described(choice(textFormats, "ndjson"), "Where it is absent, what Accept asks for"),
  fields: shownFields,
  order: choice(["asc", "desc"], "asc"),
  cursor: listCursor,
  bom: described(bom, "With format=csv: a byte order mark in front, which Excel needs"),
};

/** The parameters of an export. */
export const exportParameters = { ...filterFields, ...own };
const open = openFilter([], Object.keys(own));

const { cursor: _, ...format } = own;

/** Those of the export of a person's events, who stands in the path. */
export const subjectParameters = format;

/** @throws ServiceError VALIDATION naming each parameter that is wrong and what is allowed */
export function readExportQuestion(raw: Raw): ExportQuestion {
  return readParameters(
    raw,
    exportParameters,
    (values, findings) => {
      const filter = filterOfParameters(values, raw, findings);
      const { format, fields, order } = values;
      const after = readCursor(values.cursor, { filter, order }, findings);
      if (values.bom && format !== "csv") {
        findings.push({ pointer: "bom", code: "choice", message: "bom=true goes with format=csv" });
      }
      return { filter, order, text: { format, fields, ...(values.bom && { bom: true }) }, after };
    },
    open,
  );
}
