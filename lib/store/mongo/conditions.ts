import type { Filter } from "mongodb";
import type { EventDocument } from "./documents.ts";
import { matchesValue, type Condition, type Predicate, type Scalar } from "../../event/filter.ts";
import { each, hasElements, type PropertyPath } from "../../event/property-path.ts";
import { none, shownAs } from "../../event/shown-value.ts";
import { composite, nothing, propertyField, toProperty } from "./properties.ts";
import { toColumn } from "../rows.ts";

export type EventDocumentFilter = Filter<EventDocument>;

/** Conditions as MongoDB's filters, and the predicates that `meets` still has to check. */
export interface Translation {
  /** Every event that meets the conditions matches these filters. */
  readonly filters: readonly EventDocumentFilter[];
  /** The predicates that the filters do not express exactly. */
  readonly rest: readonly Predicate[];
  /**
   * Exact for events that have `properties`; must be checked again for those without, which all
   * match.
   */
  readonly needProperties: readonly Predicate[];
}

const textColumns = ["id", "type", "source", "correlationId", "project", "batch", "hash"] as const;
const numberColumns = ["timestamp", "receivedAt"] as const;
const bodyProperties: readonly string[] = ["data", "metadata", "context"];

type Column = (typeof textColumns)[number] | (typeof numberColumns)[number];

/** Matches no event. */
const never: EventDocumentFilter = { _id: { $in: [] } };

/** The events whose properties are only in the body. */
export const withoutProperties: EventDocumentFilter = { properties: { $exists: false } };

/** All other events. */
export const withProperties: EventDocumentFilter = { properties: { $exists: true } };

/**
 * Translates predicates. It claims exactness only for filters that mean on every server exactly
 * what `meets` says.
 */
export function translate(predicates: readonly Predicate[]): Translation {
  const exact = predicates.filter((predicate) => exactly(predicate) !== undefined);
  return {
    filters: predicates.flatMap(implied),
    rest: predicates.filter((predicate) => !exact.includes(predicate)),
    needProperties: exact.filter(isAboutBody),
  };
}

/**
 * Filters that together mean the predicate, for events with `properties`; `undefined` where MongoDB
 * cannot express it.
 */
function exactly(predicate: Predicate): readonly EventDocumentFilter[] | undefined {
  if (predicate.op === "not") {
    const part = exactly(predicate.of);
    return part && (part.length === 0 ? [never] : [{ $nor: [allOf(part)] }]);
  }
  if (predicate.op !== "and" && predicate.op !== "or") return exactFilters(predicate);
  const parts = predicate.of.map(exactly);
  if (parts.some((part) => part === undefined)) return undefined;
  return joined(predicate.op, parts as readonly (readonly EventDocumentFilter[])[]);
}

/** Filters that follow from a predicate, for any event. */
function implied(predicate: Predicate): readonly EventDocumentFilter[] {
  if (predicate.op === "and" || predicate.op === "or") {
    return joined(predicate.op, predicate.of.map(implied));
  }
  const exact = exactly(predicate);
  if (exact !== undefined && !isAboutBody(predicate)) return exact;
  const served = predicate.op === "not" ? [] : [...indexed(predicate), ...listed(predicate)];
  return exact === undefined ? served : [...served, ...ofAll(exact)];
}

/** Filters on `properties`, extended so that events without these match, too. */
function ofAll(filters: readonly EventDocumentFilter[]): readonly EventDocumentFilter[] {
  return filters.length === 0 ? [] : [{ $or: [allOf(filters), withoutProperties] }];
}

function isAboutBody(predicate: Predicate): boolean {
  if (predicate.op === "and" || predicate.op === "or") return predicate.of.some(isAboutBody);
  return predicate.op === "not" ? isAboutBody(predicate.of) : isOfBody(predicate.path);
}

function joined(
  op: "and" | "or",
  parts: readonly (readonly EventDocumentFilter[])[],
): readonly EventDocumentFilter[] {
  if (op === "and") return parts.flat();
  if (parts.length === 0) return [never];
  return parts.some((part) => part.length === 0) ? [] : [{ $or: parts.map(allOf) }];
}

function allOf(filters: readonly EventDocumentFilter[]): EventDocumentFilter {
  return filters.length === 1 ? filters[0]! : { $and: [...filters] };
}

/** Whether a property is in the body, at any depth. */
export function isOfBody([top]: PropertyPath): boolean {
  return bodyProperties.includes(top);
}

/** The field that holds the property of this path; `undefined` where none does. */
export function columnOf([top, ...inner]: PropertyPath): Column | undefined {
  if (inner.length > 0) return undefined;
  return [...textColumns, ...numberColumns].find((column) => column === top);
}

/** Filters that together mean the condition; `undefined` where MongoDB cannot express it. */
function exactFilters(condition: Condition): readonly EventDocumentFilter[] | undefined {
  if (isOfBody(condition.path)) return propertyFilters(condition);
  const column = columnOf(condition.path);
  if (column === undefined) return matchesValue(undefined, condition) ? [] : [never];
  const isNumber = numberColumns.some((name) => name === column);
  switch (condition.op) {
    case "is":
      return [{ [column]: { $in: operands(condition.values, isNumber) } }];
    case "is_not":
      return [{ [column]: { $nin: operands(condition.values, isNumber) } }];
    case "exists":
      return [{ [column]: { $exists: condition.value } }];
    case "shown_as":
      return undefined;
    case "contains":
    case "starts_with":
      return isNumber ? [never] : undefined;
    default:
      if (typeof condition.value !== (isNumber ? "number" : "string")) return [never];
      // Texts sort differently here where they are escaped, and beyond U+FFFF.
      return isNumber ? [{ [column]: { [`$${condition.op}`]: condition.value } }] : undefined;
  }
}

/**
 * Filters that together mean a condition on a property of the body, for events with `properties`.
 */
function propertyFilters(condition: Condition): readonly EventDocumentFilter[] | undefined {
  if (hasElements(condition.path)) return undefined;
  const field = propertyField(condition.path);
  if (field === undefined) return matchesValue(undefined, condition) ? [] : [never];
  switch (condition.op) {
    case "is":
      return [{ [field]: { $in: condition.values.flatMap(toProperty) } }];
    case "is_not":
      return [{ [field]: { $nin: condition.values.flatMap(toProperty) } }];
    case "exists":
      return [{ [field]: { $exists: condition.value } }];
    case "shown_as": {
      const values = condition.values.map(shownAs);
      if (values.includes(undefined)) return undefined;
      const stored = values.flatMap((one) => one!).flatMap(toProperty);
      if (!condition.values.includes(none)) return [{ [field]: { $in: stored } }];
      const valueless = [{ [field]: { $in: [...stored, nothing, composite] } }];
      return [{ $or: [...valueless, { [field]: { $exists: false } }] }];
    }
    case "contains":
    case "starts_with": {
      const pattern = patternOf(condition.op, condition.value);
      if (pattern === undefined) return undefined;
      // Two filters: in a single one mongo-java-server also finds booleans.
      return [{ [field]: { $type: "string" } }, { [field]: { $regex: pattern } }];
    }
    default: {
      const { op, value } = condition;
      if (typeof value === "string") return undefined;
      return [{ [field]: { $type: "number", [`$${op}`]: value + 0 } }];
    }
  }
}

/**
 * A pattern that matches this text alone, for the expressions of any server. `undefined` where a
 * mark would match it, where it is half of a character, and where a pattern cannot contain it.
 */
function patternOf(op: "contains" | "starts_with", text: string): string | undefined {
  const isPlain = text.isWellFormed() && [...text].every((character) => character >= " ");
  if (text === "" || !isPlain) return undefined;
  const [stored] = op === "contains" ? [text] : (toProperty(text) as string[]);
  const pattern = stored!.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
  return op === "contains" ? pattern : `^${pattern}`;
}

/** For a condition on the elements of a list: that there is a list. */
function listed(condition: Condition): readonly EventDocumentFilter[] {
  const { path } = condition;
  if (!hasElements(path) || !isOfBody(path) || matchesValue(undefined, condition)) return [];
  const field = propertyField(path.slice(0, path.indexOf(each)) as [string, ...string[]]);
  return field === undefined ? [] : ofAll([{ [field]: composite }]);
}

/** Filters that follow from a condition and that an index serves. */
function indexed(condition: Condition): readonly EventDocumentFilter[] {
  const [top, key, ...inner] = condition.path;
  const isUserId = top === "metadata" && key === "userId" && inner.length === 0;
  if (!isUserId || condition.op !== "is") return [];
  const users = condition.values.filter((value) => typeof value === "string" && value !== "");
  if (users.length < condition.values.length) return [];
  return [{ userId: { $in: users.map((user) => toColumn(user as string)) } }];
}

/** The values that a column can have, in its own form. */
function operands(values: readonly Scalar[], isNumber: boolean): readonly (string | number)[] {
  if (isNumber) return values.filter((value) => Number.isFinite(value)) as readonly number[];
  return values.filter((value) => typeof value === "string").map(toColumn);
}
