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

/** The values of parameters, by their names. */
type Said = Map<string, readonly string[]>;

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
  const said: Said = new Map();
  const mixed: Filter[] = [];
  const left: Filter[] = [];
  for (const given of filters) {
    const filter = { ...given, values: [...new Set(given.values)] };
    const isOwn = ownFields.includes(filter.property);
    const isSaid = isOwn ? addField(said, filter, fields) : addConditions(said, filter);
    if (!isSaid) left.push(filter);
    else if (!isOwn && !isExact(filter)) mixed.push(filter);
  }
  const parameters = [...said].flatMap(([name, values]) =>
    values.map((value) => [name, value] as const),
  );
  return { parameters, mixed, left };
}

/** Adds a filter on a field; of two filters the values that are in both stay. */
function addField(
  said: Said,
  { op, property, values }: Filter,
  fields: readonly string[],
): boolean {
  if (!fields.includes(property) || (op !== "is" && op !== "shown_as")) return false;
  const texts = new Set(values.map(op === "is" ? withoutMark : sentText));
  const before = said.get(property);
  const both = [...texts].filter((text) => before?.includes(text) ?? true);
  const isNone = op === "shown_as" && values.includes("(none)");
  if (isNone || both.length === 0 || (both.length > 1 && single.includes(property))) return false;
  said.set(property, both);
  return true;
}

type Condition = readonly [op: Operator, values: readonly string[]];

/** Adds a filter on a property, where a name is free for each of its conditions. */
function addConditions(said: Said, filter: Filter): boolean {
  const conditions = conditionsOf(filter);
  if (conditions === undefined) return false;
  const names = conditions.map(([op]) =>
    namesOf(filter.property, op).find((name) => !said.has(name)),
  );
  if (names.includes(undefined)) return false;
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
    default:
      return values.length === 1 && isOrdered(values[0]!)
        ? [[op, values.map(withoutMark)]]
        : undefined;
  }
}

/**
 * Whether an address compares with the same number or text: there a text that spells a number is
 * one.
 */
function isOrdered(value: string): boolean {
  return typeof operand(value) === "number" || numberIn(withoutMark(value)) === undefined;
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
  const [kept] = spelled(value);
  const both = (one: Operator, other: Operator): readonly Condition[] => [
    [one, [text]],
    [other, [text]],
  ];
  if (typeof kept === "number") return both("gte", "lte");
  const isAlike = typeof kept === "string" && spelledBy(text).length > 1;
  return isAlike ? both("shown_as", "starts_with") : undefined;
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
