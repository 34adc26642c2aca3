import { matchesValue, type Condition, type Predicate, type Scalar } from "../../event/filter.ts";
import { each, hasElements, type PropertyPath, type Segment } from "../../event/property-path.ts";
import { none, shownAs } from "../../event/shown-value.ts";
import type { Value } from "./database.ts";
import { meetsBody, meetsText } from "./functions.ts";
import { idForms, idText, projectText } from "./narrow.ts";
import { isMarked, toColumn } from "../rows.ts";

/** A part of a WHERE clause and its parameters. */
export interface Clause {
  readonly sql: string;
  readonly parameters: readonly Value[];
}

/** A field that holds text, as SQL. */
interface TextField {
  readonly text: string;
  /** What is compared with `forms`. */
  readonly column: string;
  /** What the column may hold for a text. */
  readonly forms: (text: string) => readonly Value[];
}

const plain = (column: string): TextField => {
  return { text: column, column, forms: (text) => [toColumn(text)] };
};
const ofIds = (column: string): TextField => ({ text: idText(column), column, forms: idForms });

const textFields: ReadonlyMap<string, TextField> = new Map([
  ["id", ofIds("id")],
  ["type", plain("type")],
  ["source", plain("source")],
  ["correlationId", plain("correlation_id")],
  ["project", plain(projectText)],
  ["batch", ofIds("batch")],
  ["hash", plain("hash")],
]);

const numberColumns: ReadonlyMap<string, string> = new Map([
  ["timestamp", "timestamp"],
  ["receivedAt", "received_at"],
]);

const bodyProperties: ReadonlySet<string> = new Set(["data", "metadata", "context"]);

const comparisons = { gt: ">", gte: ">=", lt: "<", lte: "<=" } as const;

/** Matches no event. Only this form: SQLite plans no index for a constant. */
export const never: Clause = { sql: "0", parameters: [] };
const always: Clause = { sql: "1", parameters: [] };

/**
 * A condition as SQL, with exactly the meaning of `matches`; where SQL cannot express it, the
 * clause calls `matches` itself (`addConditionFunctions`).
 */
export function conditionClause(condition: Condition): Clause {
  const [top, ...inner] = condition.path;
  if (bodyProperties.has(top)) {
    return hasElements(condition.path) ? elementsClause(condition) : guardedBodyClause(condition);
  }
  const field = inner.length === 0 ? textFields.get(top) : undefined;
  if (field !== undefined) {
    const byFunction = clause(`${meetsText}(${field.text}, ?)`, JSON.stringify(condition));
    return textClause(condition, field) ?? byFunction;
  }
  const number = inner.length === 0 ? numberColumns.get(top) : undefined;
  if (number !== undefined) return numberClause(condition, number);
  return matchesValue(undefined, condition) ? always : never;
}

/**
 * A predicate as SQL, with the meaning of `meets`. SQL's NULL, neither true nor false, counts as
 * false.
 */
export function predicateClause(predicate: Predicate): Clause {
  if (predicate.op === "not") {
    const part = predicateClause(predicate.of);
    if (part === never) return always;
    return part === always ? never : { ...part, sql: `NOT coalesce(${part.sql}, 0)` };
  }
  if (predicate.op !== "and" && predicate.op !== "or") return conditionClause(predicate);
  const [neutral, decisive] = predicate.op === "and" ? [always, never] : [never, always];
  const parts = predicate.of.map(predicateClause).filter((part) => part !== neutral);
  if (parts.length === 0) return neutral;
  if (parts.includes(decisive)) return decisive;
  return {
    sql: `(${parts.map(({ sql }) => sql).join(predicate.op === "and" ? " AND " : " OR ")})`,
    parameters: parts.flatMap(({ parameters }) => parameters),
  };
}

/** A condition on the elements of a list, which stands at the path before the first of them. */
function elementsClause(condition: Condition): Clause {
  const byFunction = clause(`${meetsBody}(body, ?)`, JSON.stringify(condition));
  const list = condition.path.slice(0, condition.path.indexOf(each)) as [string, ...string[]];
  if (matchesValue(undefined, condition) || list.some(hasNul)) return byFunction;
  return {
    sql: `(CASE WHEN ${isMarked} THEN 1 ELSE json_type(body, ?) IS 'array' END AND ${byFunction.sql})`,
    parameters: [bodyPath(list), ...byFunction.parameters],
  };
}

function guardedBodyClause(condition: Condition): Clause {
  const byFunction = clause(`${meetsBody}(body, ?)`, JSON.stringify(condition));
  const native = condition.path.some(hasNul) ? undefined : bodyClause(condition);
  if (native === undefined) return byFunction;
  if (native === never || native === always) return native;
  return {
    sql: `(CASE WHEN ${isMarked} THEN ${byFunction.sql} ELSE ${native.sql} END)`,
    parameters: [...byFunction.parameters, ...native.parameters],
  };
}

function hasNul(segment: Segment): boolean {
  return segment?.includes("\0") ?? false;
}

/**
 * SQLite's path to a property of the body; not for elements. Keys are quoted as JSON quotes them,
 * as they are in the body, and SQLite compares the texts that they spell.
 */
function bodyPath(path: PropertyPath): string {
  return `$${path.map((segment) => `.${JSON.stringify(segment)}`).join("")}`;
}

/**
 * A property's value as SQL that sorts it: numbers before texts; objects and arrays by their JSON.
 */
export function sortClause(path: PropertyPath): Clause | undefined {
  const [top, ...inner] = path;
  if (bodyProperties.has(top)) return clause("json_extract(body, ?)", bodyPath(path));
  const column = textFields.get(top)?.text ?? numberColumns.get(top);
  return column !== undefined && inner.length === 0 ? clause(column) : undefined;
}

function bodyClause(condition: Condition): Clause | undefined {
  const path = bodyPath(condition.path);
  switch (condition.op) {
    // JSON.stringify writes each scalar in one way, here and in the body.
    case "is":
      return anyOf("(body -> ?)", [path], texts(condition.values));
    case "is_not":
      return noneOf("(body -> ?)", [path], texts(condition.values));
    case "exists":
      return clause(`json_type(body, ?) IS ${condition.value ? "NOT NULL" : "NULL"}`, path);
    case "shown_as":
      return shownClause(condition.values, path);
    case "contains":
    case "starts_with":
      // JavaScript can find half of a character within another one, UTF-8 never.
      return condition.value.isWellFormed()
        ? clause(
            `json_type(body, ?) = 'text' AND instr(json_extract(body, ?), ?) ${condition.op === "contains" ? "> 0" : "= 1"}`,
            path,
            path,
            condition.value,
          )
        : undefined;
    default: {
      const sign = comparisons[condition.op];
      if (typeof condition.value === "number") {
        // Compared as REAL: whole numbers beyond 2^53 are written with fewer digits than they have.
        return clause(
          `json_type(body, ?) IN ('integer', 'real') AND CAST(json_extract(body, ?) AS REAL) ${sign} ?`,
          path,
          path,
          condition.value,
        );
      }
      return isOrderedByBytes(condition.value)
        ? clause(
            `json_type(body, ?) = 'text' AND json_extract(body, ?) ${sign} ?`,
            path,
            path,
            condition.value,
          )
        : undefined;
    }
  }
}

/** The clause for values shown under one of some texts; `undefined` where SQL cannot express it. */
function shownClause(shown: readonly string[], path: string): Clause | undefined {
  const values = shown.map(shownAs);
  if (values.includes(undefined)) return undefined;
  const known = anyOf("(body -> ?)", [path], texts(values.flatMap((one) => one!)));
  if (!shown.includes(none)) return known;
  const sql = "coalesce(json_type(body, ?), 'null') IN ('null', 'object', 'array')";
  return {
    sql: `(${sql} OR coalesce(${known.sql}, 0))`,
    parameters: [path, ...known.parameters],
  };
}

function textClause(condition: Condition, { column, forms }: TextField): Clause | undefined {
  switch (condition.op) {
    case "is":
      return anyOf(column, [], condition.values.filter(isText).flatMap(forms));
    case "is_not":
      return noneOf(column, [], condition.values.filter(isText).flatMap(forms));
    case "exists":
      return clause(`${column} IS ${condition.value ? "NOT NULL" : "NULL"}`);
    case "shown_as":
      return undefined;
    default:
      return typeof condition.value === "number" ? never : undefined;
  }
}

function numberClause(condition: Condition, column: string): Clause {
  switch (condition.op) {
    case "is":
      return anyOf(column, [], condition.values.filter(isNumber));
    case "is_not":
      return noneOf(column, [], condition.values.filter(isNumber));
    case "exists":
      return condition.value ? always : never;
    case "shown_as":
      return anyOf(column, [], condition.values.flatMap(shownAs).filter(isNumber));
    case "contains":
    case "starts_with":
      return never;
    default:
      return typeof condition.value === "number"
        ? clause(`${column} ${comparisons[condition.op]} ?`, condition.value)
        : never;
  }
}

export function anyOf(sql: string, before: readonly Value[], values: readonly Value[]): Clause {
  if (values.length === 0) return never;
  return clause(`${sql} IN (${values.map(() => "?").join(", ")})`, ...before, ...values);
}

function noneOf(sql: string, before: readonly Value[], values: readonly Value[]): Clause {
  if (values.length === 0) return always;
  const { sql: found, parameters } = anyOf(sql, before, values);
  return clause(`coalesce(${found}, 0) = 0`, ...parameters);
}

/**
 * Whether UTF-8 bytes and UTF-16 units order texts around this one alike: they differ only between
 * characters above U+FFFF and those from U+E000 on, and this text has neither.
 */
function isOrderedByBytes(text: string): boolean {
  return !/[\ud800-\uffff]/.test(text);
}

function clause(sql: string, ...parameters: readonly Value[]): Clause {
  return { sql, parameters };
}

/**
 * Values as they stand in a body. No body holds a number that JSON lacks: it would be written as
 * null.
 */
function texts(values: readonly Scalar[]): string[] {
  return values
    .filter((value) => typeof value !== "number" || Number.isFinite(value))
    .map((value) => JSON.stringify(value));
}

function isText(value: Scalar): value is string {
  return typeof value === "string";
}

function isNumber(value: Scalar | undefined): value is number {
  return typeof value === "number";
}
