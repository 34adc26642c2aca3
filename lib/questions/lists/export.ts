import { ServiceError } from "../../errors.ts";
import { textFormats, type EventText } from "../../event/event-text.ts";
import {
  filterParameters,
  filterProperties,
  isFilterParameter,
  readEventFilter,
  type OpenFilter,
} from "../reading/filter-parameters.ts";
import { readCursor, readFields, type Position } from "./list.ts";
import { readChoice, refuseUnknown, type Findings, type Raw } from "../reading/parameters.ts";

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
  /** RFC 3339: every event accepted before is in the export. Of the first page only, else `null`. */
  readonly asOf: string | null;
}

const own = ["format", "fields", "order", "cursor", "bom"];
const known = [...filterParameters, ...filterProperties, ...own];

/** @throws ServiceError VALIDATION naming each parameter that is wrong and what is allowed */
export function readExportQuestion(raw: Raw): ExportQuestion {
  const findings: Findings = [];
  refuseUnknown(raw, (name) => own.includes(name) || isFilterParameter(name), known, findings);
  const filter = readEventFilter(raw, findings);
  const order = readChoice(raw, "order", ["asc", "desc"], findings) ?? "asc";
  const format = readChoice(raw, "format", textFormats, findings) ?? "ndjson";
  const question = {
    filter,
    order,
    text: { format, fields: readFields(raw, findings), ...readMark(raw, format, findings) },
    after: readCursor(raw["cursor"], { filter, order }, findings),
  };
  if (findings.length > 0) throw new ServiceError("VALIDATION", undefined, { errors: findings });
  return question;
}

/** `bom=true`: a byte order mark, which Excel needs to tell UTF-8; NDJSON has none. */
function readMark(
  raw: Raw,
  format: EventText["format"],
  findings: Findings,
): Pick<EventText, "bom"> {
  const asked = { bom: typeof raw["bom"] === "boolean" ? String(raw["bom"]) : raw["bom"] };
  const wanted = readChoice(asked, "bom", ["true", "false"], findings) === "true";
  if (wanted && format !== "csv") {
    findings.push({ pointer: "bom", code: "choice", message: "bom=true goes with format=csv" });
  }
  return wanted ? { bom: true } : {};
}
