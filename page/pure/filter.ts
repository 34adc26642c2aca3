/** Filters as the address writes them, as bodies take them, and in words. */

import { isPlain, operand, sentText, spelled, withoutMark } from "./filter-value.ts";

export const operators = [
  ...(["is", "is_not", "contains", "starts_with", "exists"] as const),
  ...(["gt", "gte", "lt", "lte", "shown_as"] as const),
] as const;
export type Operator = (typeof operators)[number];

/**
 * One condition. Values are texts. To `is`, `is_not` and orders `n:10`, `b:true` and `s:10` mean
 * that kind alone; `shown_as` takes the texts of rows.
 */
export interface Filter {
  readonly op: Operator;
  readonly property: string;
  readonly values: readonly string[];
}

/** A filter in the API's form, in a body. */
export type BodyFilter = readonly [string, ...unknown[]];

const missing = "(none)";

/** Reads `is,data.plan,pro,free`; `undefined` for a text that is no filter. */
export function readFilter(text: string): Filter | undefined {
  const [op = "", property = "", ...values] = splitParts(text);
  if (!(operators as readonly string[]).includes(op) || property === "") return undefined;
  if (values.length === 0 || values.some((value) => !takesValue(op as Operator, value)))
    return undefined;
  return { op: op as Operator, property, values };
}

/** Whether a filter of an operator can have the value. */
export function takesValue(op: Operator, value: string): boolean {
  if (op === "exists") return value === "true" || value === "false";
  return value !== "" || (op !== "contains" && op !== "starts_with");
}

/** Splits at commas; a comma within a part is percent-encoded once more. */
function splitParts(text: string): readonly string[] {
  return text.split(",").map((part) => {
    try {
      return decodeURIComponent(part);
    } catch {
      return part;
    }
  });
}

export function writeFilter({ op, property, values }: Filter): string {
  return [op, property, ...values]
    .map((part) => part.replace(/[%,;]/g, encodeURIComponent))
    .join(",");
}

/** A step of a funnel: `email.opened;is,context.machine,false`. */
export interface Step {
  readonly type: string;
  readonly filters: readonly Filter[];
}

/** Without one of its filters a step would select other events: it is read whole or not at all. */
export function readStep(text: string): Step | undefined {
  const [first = "", ...rest] = text.split(";");
  const [type = ""] = splitParts(first);
  const filters = rest.map(readFilter).filter((filter) => filter !== undefined);
  return type === "" || filters.length < rest.length ? undefined : { type, filters };
}

export function writeStep({ type, filters }: Step): string {
  return [type.replace(/[%,;]/g, encodeURIComponent), ...filters.map(writeFilter)].join(";");
}

/** The filter of a row of an answer: exactly the events that the row counts. */
export function filterOfRow(property: string, shown: string): Filter {
  return { op: "shown_as", property, values: [shown] };
}

/**
 * A catalogue's value as one of a filter with this operator. `alone`: values of other kinds have
 * the same text, and are not meant.
 */
export function filterValue(
  shown: string,
  kind: "text" | "number" | "boolean",
  op: Operator,
  alone: boolean,
): string {
  if (op === "shown_as") return shown;
  const value = sentText(shown);
  if (!takesMarks(op)) return value;
  const mark = { text: "s", number: "n", boolean: "b" }[kind];
  return alone || !isPlain(value) ? `${mark}:${value}` : value;
}

/** Whether the values of an operator may be marked with a kind. */
function takesMarks(op: Operator): boolean {
  return op === "is" || op === "is_not" || isOrder(op);
}

export function isOrder(op: Operator): op is "gt" | "gte" | "lt" | "lte" {
  return ["gt", "gte", "lt", "lte"].includes(op);
}

/** The values of the catalogue that have the same text as another one, of another kind. */
export function alikeValues(values: readonly { readonly value: string }[]): ReadonlySet<string> {
  const seen = new Set<string>();
  return new Set(
    values.map(({ value }) => value).filter((value) => seen.size === seen.add(value).size),
  );
}

/** One filter in a body's form. */
export function bodyFilter({ op, property, values }: Filter): BodyFilter {
  switch (op) {
    case "is":
    case "is_not":
      return [op, property, values.flatMap(spelled)];
    case "shown_as":
      return [op, property, values];
    case "exists":
      return [op, property, values[0] === "true"];
    case "gt":
    case "gte":
    case "lt":
    case "lte":
      return each(op, property, values.map(operand));
    default:
      return each(op, property, values);
  }
}

function each(op: string, property: string, values: readonly unknown[]): BodyFilter {
  if (values.length === 1) return [op, property, values[0]];
  return ["or", ...values.map((value) => [op, property, value])];
}

/** All filters, and events of these types where some are named; `undefined` without any filter. */
export function bodyFilters(
  filters: readonly Filter[],
  types: readonly string[] = [],
  more: readonly BodyFilter[] = [],
): BodyFilter | undefined {
  const all = [
    ...(types.length > 0 ? [["is", "type", types] as const] : []),
    ...filters.map(bodyFilter),
    ...more,
  ];
  if (all.length === 0) return undefined;
  return all.length === 1 ? all[0] : ["and", ...all];
}

const words: Readonly<Record<Operator, string>> = {
  is: "is",
  is_not: "is not",
  contains: "contains",
  starts_with: "starts with",
  exists: "is set",
  gt: ">",
  gte: "≥",
  lt: "<",
  lte: "≤",
  shown_as: "is",
};

export function operatorName(op: Operator): string {
  return words[op];
}

const names: ReadonlyMap<string, string> = new Map(
  Object.entries({
    type: "type",
    source: "source",
    correlationId: "mail",
    "metadata.userId": "user",
    "metadata.campaignId": "campaign",
    "metadata.templateId": "template",
    "context.emailProvider": "mailbox provider",
    "context.machine": "opened by a machine",
    "context.bot": "bot",
    "context.device": "device",
    "context.country": "country",
    "context.browser": "browser",
    "context.os": "system",
  }),
);

/** A property in people's words; its path where there is no word for it. */
export function propertyName(path: string): string {
  return names.get(path) ?? path.replace(/^(data|metadata|context)\./, "");
}

/** The same as a table's head: words begin with a capital, a path stays as it is. */
export function propertyHead(path: string): string {
  const name = propertyName(path);
  return path.endsWith(`.${name}`) ? name : name.slice(0, 1).toUpperCase() + name.slice(1);
}

/** A row's value in words: a missing one is "not set", a text without letters "empty text". */
export function valueName(shown: string): string {
  return shown === missing ? "not set" : textName(shown);
}

function textName(text: string): string {
  return text === "" ? "empty text" : text;
}

/** A filter's value in words. */
export function filterValueName(op: Operator, value: string): string {
  if (op === "shown_as") return valueName(value);
  return textName(takesMarks(op) ? withoutMark(value) : value);
}

/** `campaign is spring or summer`. */
export function filterInWords({ op, property, values }: Filter): string {
  const name = propertyName(property);
  if (op === "exists") return `${name} is ${values[0] === "true" ? "set" : "not set"}`;
  const texts = [...new Set(values.map((value) => filterValueName(op, value)))];
  return `${name} ${words[op]} ${texts.join(" or ")}`;
}
