import {
  readChoice,
  readInstant,
  readInteger,
  readList,
  readText,
  readTypes,
  refuseUnknown,
  type Raw,
  type Findings,
} from "./reading/parameters.ts";
import { ServiceError } from "../errors.ts";
import { intervals, isZone, type Interval } from "../counting/calendar.ts";
import { resolveDimension } from "../counting/dimensions.ts";
import { readRowCursor, scopeOf, type RowPage } from "./reading/row-cursor.ts";

/** What `GET /api/v1/events/counts` asks, checked. Instants are epoch milliseconds, the range half open. */
export interface CountsQuestion {
  readonly types?: readonly string[];
  readonly sources?: readonly string[];
  readonly from?: number;
  readonly to?: number;
  readonly interval?: Interval;
  readonly timezone: string;
  /** The canonical name of a rolled-up dimension. */
  readonly groupBy?: string;
  /** How many rows are shown at most. */
  readonly limit: number;
  readonly page: RowPage;
}

const known = [
  "type",
  "source",
  "from",
  "to",
  "interval",
  "timezone",
  "groupBy",
  "limit",
  "cursor",
];
const limits = { min: 1, max: 10_000, otherwise: 1_000 };

/**
 * Read the parameters of a counts question.
 * @param dimensions the canonical names that are rolled up
 * @throws ServiceError VALIDATION naming each parameter that is wrong and what is allowed
 */
export function readCountsQuestion(raw: Raw, dimensions: readonly string[]): CountsQuestion {
  const findings: Findings = [];
  refuseUnknown(raw, (name) => known.includes(name), known, findings);
  const types = readTypes(raw, findings);
  const sources = readList(raw, "source", findings);
  const from = readInstant(raw, "from", findings);
  const to = readInstant(raw, "to", findings);
  if (from !== undefined && to !== undefined && from >= to) {
    findings.push({ pointer: "to", code: "range", message: "to must be later than from" });
  }
  const interval = readChoice(raw, "interval", intervals, findings);
  const timezone = readText(raw, "timezone", findings) ?? "UTC";
  if (!isZone(timezone)) {
    findings.push({
      pointer: "timezone",
      code: "zone",
      message: "timezone must be an IANA zone, such as Europe/Berlin",
    });
  }
  const groupBy = readDimension(raw, dimensions, findings);
  const limit = readInteger(raw, "limit", limits, findings);
  const scope = scopeOf([types, sources, raw["from"], raw["to"], interval, timezone, groupBy]);
  const page = readRowCursor(raw["cursor"], scope, "cursor", findings);
  if (findings.length > 0) throw new ServiceError("VALIDATION", undefined, { errors: findings });
  return { types, sources, from, to, interval, timezone, groupBy, limit, page };
}

function readDimension(
  raw: Raw,
  dimensions: readonly string[],
  findings: Findings,
): string | undefined {
  const asked = raw["groupBy"];
  if (asked === undefined) return undefined;
  const dimension = typeof asked === "string" ? resolveDimension(asked) : undefined;
  if (dimension !== undefined && dimensions.includes(dimension)) return dimension;
  findings.push({
    pointer: "groupBy",
    code: "dimension",
    message: `groupBy must be one of ${dimensions.join(", ")}; ROLLUP_DIMENSIONS adds more`,
  });
  return undefined;
}
