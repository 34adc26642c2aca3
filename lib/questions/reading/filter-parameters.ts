import { isExactNumber, numberOf } from "../../event/plain-json.ts";
import { relativeRange, zoneOfRange } from "./relative-range.ts";
import { readPath, type PropertyPath } from "../../event/property-path.ts";
import type { Condition, Scalar, EventFilter } from "../../event/filter.ts";
import {
  checkCharacters,
  instantCondition,
  instants,
  isOfInstants,
  operators,
  type Operator,
} from "./filter-body.ts";
import {
  checkOrder,
  choice,
  described,
  instant,
  text,
  texts,
  user,
  type Values,
  type Findings,
  type Raw,
  valuesOf,
  type Open,
} from "./field.ts";

/** The filter of lists, exports and streams without its project, which comes from the key. */
export type OpenFilter = Omit<EventFilter, "project">;

/** `data.plan`, `data["http.status"]`, `timestamp[gte]`. */
const propertyName = /^(?:(?:data|metadata|context)[.[]|(?:timestamp|receivedAt)(?:$|\[))/;

/** `data.amount[gte]`: a property and an operator. */
const withOperator = /^(.+)\[([^\]"]+)\]$/s;
const maxConditions = 20;

/** Types of events, also separated by commas: a type has no comma, and no space at either end. */
export const types = described(
  texts((value) => value.split(",").map((type) => type.trim())),
  "Types of events: repeated, or by comma",
  ["email.opened"],
);

/**
 * The parameters that a filter knows by name; it also takes `data.*`, `metadata.*`, `context.*`,
 * `timestamp` and `receivedAt`.
 */
export const filterFields = {
  type: types,
  source: described(texts(), "Where events come from: repeated for several"),
  correlationId: described(text, "One correlation"),
  userId: described(user, "One user: of metadata.userId, else of metadata.anonymousId"),
  from: described(instant, "The first instant of the range", "2026-01-01T00:00:00Z"),
  to: described(instant, "The instant after the range", "2026-02-01T00:00:00Z"),
  range: relativeRange,
  timezone: zoneOfRange,
  bot: choice(["include", "exclude", "only"], "include"),
};

const filterNames = Object.keys(filterFields);

/** The names by which error texts list the other parameters. */
const filterProperties = ["data.*", "metadata.*", "context.*", "timestamp", "receivedAt"];

/**
 * Makes conditions on properties parameters, too. A question's own parameters stand before and
 * behind them.
 */
export function openFilter(
  before: readonly string[],
  after: readonly string[],
  without: readonly string[] = [],
): Open {
  const named = filterNames.filter((name) => !without.includes(name));
  return {
    isKnown: (name) => propertyName.test(name),
    names: [...before, ...named, ...filterProperties, ...after],
  };
}

/**
 * A filter of its parameters: `type=a,b&from=...&data.plan=pro&data.amount[gte]=10&bot=exclude`.
 * A value from a URL is a text, so `is` also matches the number, boolean or null it spells, and an
 * order operator compares numbers where it spells one.
 */
export function filterOfParameters(
  values: Partial<Values<typeof filterFields>>,
  raw: Raw,
  findings: Findings,
): OpenFilter {
  const { type, source, correlationId, userId, from, to, bot = "include" } = values;
  checkOrder({ from, to }, { pointer: "to" }, findings);
  const conditions = Object.keys(raw)
    .filter((name) => propertyName.test(name))
    .flatMap((name) => readConditions(name, raw[name], findings));
  if (conditions.length > maxConditions) {
    findings.push({
      pointer: "",
      code: "conditions",
      message: `at most ${maxConditions} conditions on properties`,
    });
  }
  checkCharacters({ op: "and", of: conditions }, "", findings);
  const where = [...conditions, ...botCondition(bot)];
  return { types: type, sources: source, correlationId, userId, from, to, where };
}

/** Reads the filter among some parameters. It ignores parameters that it does not know. */
export function readEventFilter(raw: Raw, findings: Findings): OpenFilter {
  return filterOfParameters(valuesOf(raw, filterFields, findings), raw, findings);
}

function botCondition(bot: "include" | "exclude" | "only"): Condition[] {
  if (bot === "include") return [];
  return [{ path: ["context", "bot"], op: bot === "only" ? "is" : "is_not", values: [true] }];
}

function readConditions(name: string, value: unknown, findings: Findings): Condition[] {
  const [, property = name, said] = withOperator.exec(name) ?? [];
  const path = readPath(property);
  if (path === undefined) {
    findings.push({
      pointer: name,
      code: "path",
      message: `the name must be keys joined by dots, such as data.plan, data["http.status"] or data.tags[]`,
    });
    return [];
  }
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  const entries =
    isObject && said === undefined ? Object.entries(value) : [[said ?? "is", value] as const];
  const isInstant = isOfInstants(path);
  return entries.flatMap(([operator, operand]) => {
    const condition = operators.includes(operator as Operator)
      ? (isInstant ? readInstantCondition : readCondition)(path, operator as Operator, operand)
      : undefined;
    if (condition !== undefined) return [condition];
    if (isInstant) {
      findings.push({ pointer: name, code: "instant", message: instants });
      return [];
    }
    findings.push({
      pointer: name,
      code: "operator",
      message: `${operator} with this value is not a condition; operators are ${operators.join(", ")}`,
    });
    return [];
  });
}

function readInstantCondition(
  path: PropertyPath,
  op: Operator,
  operand: unknown,
): Condition | undefined {
  return op === "exists" ? readCondition(path, op, operand) : instantCondition(path, op, operand);
}

function readCondition(path: PropertyPath, op: Operator, operand: unknown): Condition | undefined {
  switch (op) {
    case "is":
    case "is_not": {
      const operands: readonly unknown[] = Array.isArray(operand) ? operand : [operand];
      if (operands.length === 0 || operands.length > 100 || !operands.every(isScalar))
        return undefined;
      return { path, op, values: operands.flatMap(spelled) };
    }
    case "shown_as": {
      const operands: readonly unknown[] = Array.isArray(operand) ? operand : [operand];
      const fits = operands.length > 0 && operands.length <= 100 && operands.every(isText);
      return fits ? { path, op, values: operands } : undefined;
    }
    case "contains":
    case "starts_with":
      return typeof operand === "string" && operand !== ""
        ? { path, op, value: operand }
        : undefined;
    case "exists":
      if (operand === true || operand === "true") return { path, op, value: true };
      return operand === false || operand === "false" ? { path, op, value: false } : undefined;
    default:
      return isOrdered(operand) ? { path, op, value: numberIn(operand) ?? operand } : undefined;
  }
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isScalar(value: unknown): value is Scalar {
  if (typeof value === "number") return isExactNumber(value);
  return value === null || ["string", "boolean"].includes(typeof value);
}

/** A number, a text, or a text that spells a number; not a number that would lose digits. */
function isOrdered(value: unknown): value is string | number {
  if (typeof value === "number") return isExactNumber(value);
  return typeof value === "string" && value !== "" && isExactNumber(numberIn(value) ?? 0);
}

/**
 * The values that a text of a URL may stand for: itself, and the number, boolean or null that it
 * spells.
 */
function spelled(value: Scalar): Scalar[] {
  if (typeof value !== "string") return [value];
  if (value === "true" || value === "false") return [value, value === "true"];
  if (value === "null") return [value, null];
  const number = numberIn(value);
  // Events hold no number beyond 2^53: such digits are an id that was sent as a text.
  return number === undefined || !isExactNumber(number) ? [value] : [value, number];
}

function numberIn(value: string | number): number | undefined {
  if (typeof value === "number") return value;
  return /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(value) ? numberOf(value) : undefined;
}
