import { numberOf } from "../../event/json.ts";
import { isKept } from "../../event/plain-json.ts";
import { readPath } from "../../event/property-path.ts";
import type { Condition, Scalar } from "../../event/filter.ts";
import type { PropertyPath } from "../../event/property-path.ts";
import type { EventFilter } from "../../event/filter.ts";
import { instantCondition, instants, isOfInstants } from "./filter-body.ts";
import { operators, type Operator } from "./property.ts";
import {
  readChoice,
  readInstant,
  readList,
  readText,
  readTypes,
  type Findings,
  type Raw,
} from "./parameters.ts";

/** The filter of list, export and streams, without the project: that comes from the key. */
export type OpenFilter = Omit<EventFilter, "project">;

/** `data.plan`, `data["http.status"]`, `timestamp[gte]`. */
const propertyName = /^(?:(?:data|metadata|context)[.[]|(?:timestamp|receivedAt)(?:$|\[))/;

/** `data.amount[gte]`: a property and what is said of it. */
const withOperator = /^(.+)\[([^\]"]+)\]$/s;
const maxConditions = 20;

/** The parameters a filter knows by name; besides them it takes `data.*`, `metadata.*`, `context.*`, `timestamp` and `receivedAt`. */
export const filterParameters = ["type", "source", "correlationId", "userId", "from", "to", "bot"];

/** How the others are told to a caller. */
export const filterProperties = ["data.*", "metadata.*", "context.*", "timestamp", "receivedAt"];

/** Whether a parameter belongs to a filter. */
export function isFilterParameter(name: string): boolean {
  return filterParameters.includes(name) || propertyName.test(name);
}

/**
 * Read a filter: `type=a,b&from=...&data.plan=pro&data.amount[gte]=10&bot=exclude`.
 * A value from a URL is a text, so `is` also matches the number, boolean or null it spells, and an
 * order operator compares numbers where it spells one.
 */
export function readEventFilter(raw: Raw, findings: Findings): OpenFilter {
  const from = readInstant(raw, "from", findings);
  const to = readInstant(raw, "to", findings);
  if (from !== undefined && to !== undefined && from >= to) {
    findings.push({ pointer: "to", code: "range", message: "to must be later than from" });
  }
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
  return {
    types: readTypes(raw, findings),
    sources: readList(raw, "source", findings),
    correlationId: readText(raw, "correlationId", findings),
    userId: readText(raw, "userId", findings),
    from,
    to,
    where: [...conditions, ...readBot(raw, findings)],
  };
}

function readBot(raw: Raw, findings: Findings): Condition[] {
  const choice = readChoice(raw, "bot", ["include", "exclude", "only"], findings);
  if (choice === undefined || choice === "include") return [];
  return [{ path: ["context", "bot"], op: choice === "only" ? "is" : "is_not", values: [true] }];
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
  if (typeof value === "number") return isKept(value);
  return value === null || ["string", "boolean"].includes(typeof value);
}

/** A number, a text, or a text that spells a number. Not a number that would be compared as another one. */
function isOrdered(value: unknown): value is string | number {
  if (typeof value === "number") return isKept(value);
  return typeof value === "string" && value !== "" && isKept(numberIn(value) ?? 0);
}

/** The values a text of a URL may stand for: itself, and the number, boolean or null it spells. */
function spelled(value: Scalar): Scalar[] {
  if (typeof value !== "string") return [value];
  if (value === "true" || value === "false") return [value, value === "true"];
  if (value === "null") return [value, null];
  const number = numberIn(value);
  // No event holds a number beyond 2^53: such digits are an id that was sent as a text.
  return number === undefined || !isKept(number) ? [value] : [value, number];
}

function numberIn(value: string | number): number | undefined {
  if (typeof value === "number") return value;
  return /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(value) ? numberOf(value) : undefined;
}
