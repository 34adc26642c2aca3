import { parseInstant } from "../../event/instant.ts";
import { isExactNumber, notExactNumber } from "../../event/plain-json.ts";
import { nameOf, readPath } from "../../event/property-path.ts";
import type { Condition, Predicate, Scalar } from "../../event/filter.ts";
import type { PropertyPath } from "../../event/property-path.ts";
import type { JsonSchema } from "../../schema/rule.ts";
import { type Field, type Findings } from "./field.ts";

/** The operators of a condition, in the order in which error texts list them. */
export const operators = [
  "is",
  "is_not",
  "contains",
  "starts_with",
  "gt",
  "gte",
  "lt",
  "lte",
  "exists",
  "shown_as",
] as const;
export type Operator = (typeof operators)[number];

const joints = ["and", "or", "not"] as const;

/** The fields that a filter can name besides every path into `data`, `metadata` and `context`. */
const fields = ["id", "type", "source", "correlationId", "timestamp", "receivedAt"];
const maxDepth = 8;
const maxParts = 100;
const maxValues = 100;

/**
 * The most characters (code units) of all texts together that `is`, `is_not` and `shown_as` of a
 * filter compare with. An event has 64 KB at most, so each row's values can be asked for.
 */
const maxCharacters = 262_144;

/** The longest text that values are searched for, or ordered by. */
const maxTextLength = 1_024;
const text = `a text of 1 to ${maxTextLength} characters`;
const allowed = `a filter is ["and" | "or", filter, ...], ["not", filter] or [operator, property, value]; operators are ${operators.join(", ")}`;

/**
 * Reads a filter of a question's body: `["and", ["is", "type", ["email.opened"]], ["gte",
 * "data.amount", 10]]`. Values keep their types: the text "10" is not the number 10.
 * @param pointer its place in the body, for the findings (RFC 6901)
 * @returns `undefined` where it is wrong; then there is a finding
 */
export function readPredicate(
  value: unknown,
  pointer: string,
  findings: Findings,
): Predicate | undefined {
  const before = findings.length;
  const budget = { parts: maxParts };
  const predicate = readPart(value, pointer, findings, maxDepth, budget);
  if (budget.parts < 0 && findings.length === before) {
    findings.push({
      pointer,
      code: "filter_size",
      message: `a filter has at most ${maxParts} parts`,
    });
  }
  if (predicate !== undefined) checkCharacters(predicate, pointer, findings);
  return findings.length === before ? predicate : undefined;
}

/** Bounds the texts of a filter together: each of them is compared with many values. */
export function checkCharacters(predicate: Predicate, pointer: string, findings: Findings): void {
  if (charactersOf(predicate) <= maxCharacters) return;
  const message = `all values of a filter together have at most ${maxCharacters} characters`;
  findings.push({ pointer, code: "filter_size", message });
}

function charactersOf(predicate: Predicate): number {
  switch (predicate.op) {
    case "and":
    case "or":
      return predicate.of.reduce((sum, part) => sum + charactersOf(part), 0);
    case "not":
      return charactersOf(predicate.of);
    case "is":
    case "is_not":
    case "shown_as":
      return predicate.values.join("").length;
    default:
      return 0;
  }
}

/**
 * A filter of a body. No rule can say that it nests: `readPredicate` reads it, and `filterSchema`
 * describes it once for all bodies.
 */
export const filter: Field<Predicate | undefined> = {
  schema: { $ref: "#/components/schemas/Filter" },
  read: (value, { pointer }, findings) =>
    value === undefined ? undefined : readPredicate(value, pointer, findings),
};

/** Describes a filter of a body. */
export const filterSchema: JsonSchema = {
  description: `${allowed[0]!.toUpperCase()}${allowed.slice(1)}. At most ${maxParts} parts, ${maxDepth} deep; is, is_not and shown_as take 1 to ${maxValues} values, all texts of them in a filter ${maxCharacters} characters at most; the other operators take ${text}`,
  type: "array",
  minItems: 2,
  maxItems: maxParts,
  prefixItems: [{ enum: [...joints, ...operators] }],
  examples: [["and", ["is", "type", ["email.opened"]], ["gte", "data.amount", 10]]],
};

/** Writes a predicate as a body spells it. */
export function filtersOf(predicate: Predicate): readonly unknown[] {
  switch (predicate.op) {
    case "and":
    case "or":
      return [predicate.op, ...predicate.of.map(filtersOf)];
    case "not":
      return [predicate.op, filtersOf(predicate.of)];
    default:
      return [
        predicate.op,
        nameOf(predicate.path),
        "values" in predicate ? predicate.values : predicate.value,
      ];
  }
}

function readPart(
  value: unknown,
  pointer: string,
  findings: Findings,
  depth: number,
  budget: { parts: number },
): Predicate | undefined {
  if (--budget.parts < 0) return undefined;
  const [op, ...rest] = Array.isArray(value) ? (value as unknown[]) : [undefined];
  if (op === "and" || op === "or" || op === "not") {
    if (depth === 0) {
      findings.push({
        pointer,
        code: "filter_depth",
        message: `filters nest at most ${maxDepth} deep`,
      });
      return undefined;
    }
    const parts = rest.map((part, i) =>
      readPart(part, `${pointer}/${i + 1}`, findings, depth - 1, budget),
    );
    const of = parts.filter((part) => part !== undefined);
    if (of.length < parts.length) return undefined;
    if (op !== "not" && of.length > 0) return { op, of };
    if (op === "not" && of.length === 1) return { op, of: of[0]! };
    findings.push({ pointer, code: "filter", message: allowed });
    return undefined;
  }
  return readLeaf(op, rest, pointer, findings);
}

function readLeaf(
  op: unknown,
  rest: readonly unknown[],
  pointer: string,
  findings: Findings,
): Condition | undefined {
  const known = operators.find((name) => name === op);
  if (known === undefined || rest.length !== 2) {
    const joint = [...joints, ...operators].find((name) => name === op);
    const message =
      joint === undefined && typeof op === "string"
        ? `there is no operator of this name; ${allowed}`
        : allowed;
    findings.push({
      pointer: joint === undefined ? `${pointer}/0` : pointer,
      code: "operator",
      message,
    });
    return undefined;
  }
  const path = readProperty(rest[0], `${pointer}/1`, findings);
  const isInstant = path !== undefined && isOfInstants(path);
  const condition = path && (isInstant ? instantCondition : conditionOf)(path, known, rest[1]);
  if (path !== undefined && condition === undefined) {
    findings.push({
      pointer: `${pointer}/2`,
      code: "value",
      message: isInstant ? instants : messageOf(known, rest[1]),
    });
  }
  return condition;
}

/** A property that a filter or a dimension may name. */
export function readProperty(
  name: unknown,
  pointer: string,
  findings: Findings,
): PropertyPath | undefined {
  if (typeof name === "string") {
    if (fields.includes(name)) return [name];
    const path = readPath(name);
    if (
      path !== undefined &&
      path.length > 1 &&
      ["data", "metadata", "context"].includes(path[0])
    ) {
      return path;
    }
  }
  findings.push({
    pointer,
    code: "property",
    message: `a property is one of ${fields.join(", ")} or a path such as data.plan, metadata.campaignId, context.country, data["http.status"], data.tags[]`,
  });
  return undefined;
}

const oneOrMore = `a text, number, boolean or null, or 1 to ${maxValues} of them in an array`;
const ordered = `a number or ${text}`;
const operands: Readonly<Record<Operator, string>> = {
  is: oneOrMore,
  is_not: oneOrMore,
  contains: text,
  starts_with: text,
  gt: ordered,
  gte: ordered,
  lt: ordered,
  lte: ordered,
  exists: "true or false",
  shown_as: `a text, or 1 to ${maxValues} of them in an array`,
};

/** Whether a property is compared with instants. */
export function isOfInstants({ length, 0: top }: PropertyPath): boolean {
  return length === 1 && (top === "timestamp" || top === "receivedAt");
}

/** The operators of conditions on instants, for error texts. */
export const instants =
  "an instant is compared by is, is_not, gt, gte, lt, lte (or exists) with RFC 3339, such as 2026-01-31T00:00:00Z, or epoch milliseconds";

/**
 * Makes a condition on an instant; `undefined` where the operand is no instant, or the operator
 * takes none.
 */
export function instantCondition(
  path: PropertyPath,
  op: Operator,
  operand: unknown,
): Condition | undefined {
  if (op === "exists") return conditionOf(path, op, operand);
  if (op === "contains" || op === "starts_with" || op === "shown_as") return undefined;
  const isList = op === "is" || op === "is_not";
  const operands: readonly unknown[] = isList && Array.isArray(operand) ? operand : [operand];
  const values = operands.map(instantOf);
  return values.includes(undefined)
    ? undefined
    : conditionOf(path, op, isList ? values : values[0]);
}

/** Reads an instant of a question, also as digits in a text. */
export function instantOf(value: unknown): number | undefined {
  return parseInstant(typeof value === "string" && /^-?\d+$/.test(value) ? Number(value) : value);
}

function conditionOf(path: PropertyPath, op: Operator, operand: unknown): Condition | undefined {
  switch (op) {
    case "is":
    case "is_not": {
      const values: readonly unknown[] = Array.isArray(operand) ? operand : [operand];
      const fits = values.length > 0 && values.length <= maxValues && values.every(isScalar);
      return fits ? { path, op, values } : undefined;
    }
    case "shown_as": {
      const values: readonly unknown[] = Array.isArray(operand) ? operand : [operand];
      const fits = values.length > 0 && values.length <= maxValues && values.every(isString);
      return fits ? { path, op, values } : undefined;
    }
    case "contains":
    case "starts_with":
      return isText(operand) ? { path, op, value: operand } : undefined;
    case "exists":
      return typeof operand === "boolean" ? { path, op, value: operand } : undefined;
    default:
      return (typeof operand === "number" && isExactNumber(operand)) || isText(operand)
        ? { path, op, value: operand }
        : undefined;
  }
}

function isScalar(value: unknown): value is Scalar {
  return (
    value === null ||
    typeof value === "boolean" ||
    (typeof value === "number" && isExactNumber(value)) ||
    isString(value)
  );
}

function isString(value: unknown): value is string {
  return typeof value === "string";
}

function messageOf(op: Operator, operand: unknown): string {
  return [operand].flat().every(isKeptOrOther) ? `${op} takes ${operands[op]}` : notExactNumber;
}

function isKeptOrOther(value: unknown): boolean {
  return typeof value !== "number" || isExactNumber(value);
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value.length <= maxTextLength;
}
