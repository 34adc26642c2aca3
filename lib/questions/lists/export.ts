import { ServiceError } from "../../errors.ts";
import { textFormats, type EventText } from "../../event/event-text.ts";
import { choice, described, fieldOf, type Raw, readParameters } from "../reading/field.ts";
import {
  filterFields,
  filterOfParameters,
  openFilter,
  type OpenFilter,
} from "../reading/filter-parameters.ts";
import type { Reason } from "../answer-meta.ts";
import type { Position } from "../../event/event-page.ts";
import { listCursor, readCursor, shownFields } from "./list.ts";

/** A checked question of `GET /api/v1/events/export`. */
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
  /** Leads to the next page; `null` on the last one. */
  readonly nextCursor: string | null;
  /** RFC 3339: every event accepted before is in the export. Only the first page has it. */
  readonly asOf: string | null;
  /** Only on the first part: whether retention has dropped nothing of what the export covers. */
  readonly exact?: boolean;
  readonly because?: readonly Reason[];
}

/** `bom=true`: a byte order mark, by which Excel recognizes UTF-8; NDJSON has none. */
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

/** The parameters of the export of a person's events; the path names the person. */
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

/** Where the export of a person's events goes on: in quarantine, then among the stored ones. */
interface SubjectPlace {
  readonly part: "held" | "stored";
  /** The cursor of that part; absent at its beginning. */
  readonly after?: string;
}

export function subjectCursor({ part, after = "" }: SubjectPlace): string {
  return `${part}:${after}`;
}

/**
 * The place of a cursor; the beginning where there is none.
 * @throws ServiceError VALIDATION where `subjectCursor` did not write it
 */
export function readSubjectCursor(cursor: unknown): SubjectPlace {
  if (cursor === undefined) return { part: "held" };
  const text = typeof cursor === "string" ? cursor : "";
  const [, part, after = ""] = /^(held|stored):(.*)$/s.exec(text) ?? [];
  if (part !== "held" && part !== "stored") {
    const message = "cursor must be a nextCursor of the same person's export";
    const errors = [{ pointer: "cursor", code: "cursor", message }];
    throw new ServiceError("VALIDATION", undefined, { errors });
  }
  return { part, ...(after !== "" && { after }) };
}
