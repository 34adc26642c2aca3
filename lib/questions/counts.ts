import {
  checkOrder,
  choice,
  described,
  later,
  timezone,
  whole,
  type Findings,
  type Raw,
  readParameters,
} from "./reading/field.ts";
import { filterFields, types } from "./reading/filter-parameters.ts";
import { intervals, type Interval } from "../counting/calendar.ts";
import { resolveDimension } from "../counting/dimensions.ts";
import { readRowCursor, rowCursor, scopeOf, type RowPage } from "./reading/cursor.ts";

/**
 * A checked question of `GET /api/v1/events/counts`. Instants are epoch milliseconds, the range
 * half open.
 */
export interface CountsQuestion {
  readonly types?: readonly string[];
  readonly sources?: readonly string[];
  readonly from?: number;
  readonly to?: number;
  readonly interval?: Interval;
  readonly timezone: string;
  /** The canonical name of a rolled-up dimension. */
  readonly groupBy?: string;
  /** The most rows of the answer. */
  readonly limit: number;
  readonly page: RowPage;
}

/** The parameters of a counts question. */
export const countsParameters = {
  type: types,
  source: filterFields.source,
  from: filterFields.from,
  to: filterFields.to,
  range: filterFields.range,
  interval: described(choice(intervals), "Each row has a series by this period, its gaps filled"),
  timezone,
  groupBy: later({
    type: "string",
    description: "A dimension that is rolled up: a built-in one, or one of ROLLUP_DIMENSIONS",
    examples: ["context.country"],
  }),
  limit: whole({ min: 1, max: 10_000, otherwise: 1_000 }),
  cursor: rowCursor,
};

/**
 * Reads the parameters of a counts question.
 * @param dimensions the canonical names that are rolled up
 * @throws ServiceError VALIDATION naming each parameter that is wrong and what is allowed
 */
export function readCountsQuestion(raw: Raw, dimensions: readonly string[]): CountsQuestion {
  return readParameters(raw, countsParameters, (values, findings) => {
    const { type, source: sources, from, to, interval, timezone, limit } = values;
    checkOrder({ from, to }, { pointer: "to" }, findings);
    const groupBy = readDimension(values.groupBy, dimensions, findings);
    const scope = scopeOf([type, sources, raw["from"], raw["to"], interval, timezone, groupBy]);
    const own = { scope, range: { from, to }, interval };
    const page = readRowCursor(values.cursor, own, "cursor", findings);
    return { types: type, sources, from, to, interval, timezone, groupBy, limit, page };
  });
}

function readDimension(
  name: unknown,
  dimensions: readonly string[],
  findings: Findings,
): string | undefined {
  if (name === undefined) return undefined;
  const dimension = typeof name === "string" ? resolveDimension(name) : undefined;
  if (dimension !== undefined && dimensions.includes(dimension)) return dimension;
  findings.push({
    pointer: "groupBy",
    code: "dimension",
    message: `groupBy must be one of ${dimensions.join(", ")}; ROLLUP_DIMENSIONS adds more`,
  });
  return undefined;
}
