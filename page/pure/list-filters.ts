/** Filters as parameters of an address: of lists, streams and the mail report. */

import type { Filter, Operator } from "./filter.ts";
import {
  isPlain,
  numberIn,
  operand,
  sentText,
  spelled,
  spelledBy,
  withoutMark,
} from "./filter-value.ts";

export type Parameter = readonly [name: string, value: string];

/** What an address asks for some filters. */
export interface ListFilters {
  readonly parameters: readonly Parameter[];
  /** Filters whose kinds it does not tell apart: a text also means what it spells. */
  readonly mixed: readonly Filter[];
  /** Filters that no parameter says. They are left out. */
  readonly left: readonly Filter[];
}

/** An event's own fields: an address takes whole values of some, by their names. */
const ownFields: readonly string[] = ["id", "type", "source", "correlationId"];

/** Fields that take one value alone. */
const single: readonly string[] = ["correlationId"];

/**
 * Asks for the events that meet all filters. Parameters of different names are joined by "and",
 * values of one name by "or".
 * @param fields the event's own fields that the address takes
 */
export function listFilters(filters: readonly Filter[], fields: readonly string[]): ListFilters {
  const named = new Map<string, readonly string[]>();
  const said = new Map<string, readonly string[]>();
  const mixed: Filter[] = [];
  const left: Filter[] = [];
  for (const given of filters) {
    const filter = { ...given, values: [...new Set(given.values)] };
    const isOwn = ownFields.includes(filter.property);
    const isSaid = isOwn ? addField(named, filter, fields) : addConditions(said, filter);
    if (!isSaid) left.push(filter);
    else if (!isOwn && !isExact(filter)) mixed.push(filter);
  }
  const parameters = [...named, ...said].flatMap(([name, values]) =>
    values.map((value) => [name, value] as const),
  );
  return { parameters, mixed, left };
}

/** Adds a filter on a field; of two filters the values that are in both stay. */
function addField(
  named: Map<string, readonly string[]>,
  { op, property, values }: Filter,
  fields: readonly string[],
): boolean {
  if (!fields.includes(property) || (op !== "is" && op !== "shown_as")) return false;
  const texts = new Set(values.map(op === "is" ? withoutMark : sentText));
  const before = named.get(property);
  const both = [...texts].filter((text) => before?.includes(text) ?? true);
  const isNone = op === "shown_as" && values.includes("(none)");
  if (isNone || both.length === 0 || (both.length > 1 && single.includes(property))) return false;
  named.set(property, both);
  return true;
}

type Condition = readonly [op: Operator, values: readonly string[]];

/** Adds a filter on a property, where a name is free for each of its conditions. */
function addConditions(said: Map<string, readonly string[]>, filter: Filter): boolean {
  const conditions = conditionsOf(filter);
  const names = conditions?.map(([op]) =>
    namesOf(filter.property, op).find((name) => !said.has(name)),
  );
  if (conditions === undefined || names?.includes(undefined) !== false) return false;
  for (const [index, [, values]] of conditions.entries()) said.set(names[index]!, values);
  return true;
}

/** The conditions that together say a filter; `undefined` where no parameter can say it. */
function conditionsOf(filter: Filter): readonly Condition[] | undefined {
  const { op, values } = filter;
  switch (op) {
    case "is":
    case "is_not":
      return ofOneKind(filter) ?? [[op, [...new Set(values.map(withoutMark))]]];
    case "shown_as":
      return [[op, values]];
    case "exists":
      return [[op, [String(values[0] === "true")]]];
    case "contains":
    case "starts_with":
      return values.length === 1 ? [[op, values]] : undefined;
    default: {
      const widest = widestOf(op, values);
      return widest === undefined ? undefined : [[op, [widest]]];
    }
  }
}

/**
 * The conditions that only the kind of a filter's one value meets; `undefined` where there are none
 * such. Of a list each of two conditions could be met by another element.
 */
function ofOneKind({ op, property, values }: Filter): readonly Condition[] | undefined {
  const [value = ""] = values;
  if (op !== "is" || values.length > 1 || isPlain(value) || property.includes("[]"))
    return undefined;
  const text = withoutMark(value);
  switch (typeof spelled(value)[0]) {
    case "number":
      return [
        ["gte", [text]],
        ["lte", [text]],
      ];
    case "string":
      return spelledBy(text).length === 1
        ? undefined
        : [
            ["shown_as", [text]],
            ["starts_with", [text]],
          ];
    default:
      return undefined;
  }
}

/**
 * The value that all others of an order lie behind. Numbers have no order among texts, and a text
 * that spells a number is compared as one.
 */
function widestOf(op: Operator, values: readonly string[]): string | undefined {
  const operands = values.map(operand);
  const isOfNumbers = operands.every((one) => typeof one === "number");
  const isOfTexts = operands.every((one) => typeof one === "string" && numberIn(one) === undefined);
  if (!isOfNumbers && !isOfTexts) return undefined;
  const isLeast = op === "gt" || op === "gte";
  const widest = operands.reduce((one, other) => (one < other === isLeast ? one : other));
  return withoutMark(values[operands.indexOf(widest)]!);
}

/** Whether the conditions of a filter are met by no other values than its own. */
function isExact(filter: Filter): boolean {
  const { op, values } = filter;
  if ((op !== "is" && op !== "is_not") || ofOneKind(filter) !== undefined) return true;
  const meant = values.flatMap(spelled);
  return values
    .flatMap((value) => spelledBy(withoutMark(value)))
    .every((one) => meant.includes(one));
}

/** The names of a condition: a second condition of the same operator needs another one. */
function namesOf(property: string, op: Operator): readonly string[] {
  const quoted = property.replace(
    /\.([^.[\]"]+)((?:\[\])?)$/,
    (_, key: string, each: string) => `[${JSON.stringify(key)}]${each}`,
  );
  return [property, quoted].flatMap((path) =>
    op === "is" ? [path, `${path}[is]`] : [`${path}[${op}]`],
  );
}

/** Parameters as an object: the values of a repeated name as a list, in their order. */
export function parameterObject<Value extends string | number>(
  parameters: readonly (readonly [name: string, value: Value])[],
): Readonly<Record<string, Value | readonly Value[]>> {
  const values = Map.groupBy(parameters, ([name]) => name);
  return Object.fromEntries(
    [...values].map(([name, all]) => [
      name,
      all.length === 1 ? all[0]![1] : all.map(([, value]) => value),
    ]),
  );
}
