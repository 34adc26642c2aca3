import type { Filter } from "mongodb";
import type { EventDocument } from "./mongo-documents.ts";
import { toColumn } from "./sqlite-rows.ts";
import type { Condition, Predicate, PropertyPath, Scalar } from "./store.ts";

export type EventDocumentFilter = Filter<EventDocument>;

/** Conditions in MongoDB's terms, and what these leave to `matches`. */
export interface Translation {
  /** Every event that meets the conditions meets these. */
  readonly filters: readonly EventDocumentFilter[];
  /** The predicates that the filters do not tell exactly. */
  readonly rest: readonly Predicate[];
}

const textColumns = ["id", "type", "source", "correlationId", "project", "batch", "hash"] as const;
const numberColumns = ["timestamp", "receivedAt"] as const;
const bodyProperties: readonly string[] = ["data", "metadata", "context"];

type Column = (typeof textColumns)[number] | (typeof numberColumns)[number];

/** Nothing meets it. */
export const never: EventDocumentFilter = { _id: { $in: [] } };

/** Only what means on every server exactly what `matches` says is translated as exact. */
export function translate(predicates: readonly Predicate[]): Translation {
  const filters: EventDocumentFilter[] = [];
  const rest: Predicate[] = [];
  for (const predicate of predicates) {
    const exact = exactly(predicate);
    filters.push(...(exact ?? wider(predicate)));
    if (exact === undefined) rest.push(predicate);
  }
  return { filters, rest };
}

/** All of these together mean the predicate; `undefined` where MongoDB cannot tell. */
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

/** What follows from a predicate that MongoDB cannot tell. */
function wider(predicate: Predicate): readonly EventDocumentFilter[] {
  if (predicate.op === "not") return [];
  if (predicate.op !== "and" && predicate.op !== "or") return widerFilters(predicate);
  return joined(
    predicate.op,
    predicate.of.map((part) => exactly(part) ?? wider(part)),
  );
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

/** The field that holds the property of this path; `undefined` where none does. */
export function columnOf([top, ...inner]: PropertyPath): Column | undefined {
  if (inner.length > 0) return undefined;
  return [...textColumns, ...numberColumns].find((column) => column === top);
}

/** All of these together mean the condition; `undefined` where MongoDB cannot tell. */
function exactFilters(condition: Condition): readonly EventDocumentFilter[] | undefined {
  if (bodyProperties.includes(condition.path[0])) return undefined;
  const column = columnOf(condition.path);
  if (column === undefined) return isMetByNothing(condition) ? [] : [never];
  const isNumber = numberColumns.some((name) => name === column);
  switch (condition.op) {
    case "is":
      return [{ [column]: { $in: operands(condition.values, isNumber) } }];
    case "is_not":
      return [{ [column]: { $nin: operands(condition.values, isNumber) } }];
    case "exists":
      return [{ [column]: { $exists: condition.value } }];
    case "contains":
    case "starts_with":
      return isNumber ? [never] : undefined;
    default:
      if (typeof condition.value !== (isNumber ? "number" : "string")) return [never];
      // Texts have another order here where they stand escaped, and beyond U+FFFF.
      return isNumber ? [{ [column]: { [`$${condition.op}`]: condition.value } }] : undefined;
  }
}

/** What follows from a condition that MongoDB cannot tell, where an index serves it. */
function widerFilters(condition: Condition): readonly EventDocumentFilter[] {
  const [top, key, ...inner] = condition.path;
  const isUserId = top === "metadata" && key === "userId" && inner.length === 0;
  if (!isUserId || condition.op !== "is") return [];
  const users = condition.values.filter((value) => typeof value === "string" && value !== "");
  if (users.length < condition.values.length) return [];
  return [{ userId: { $in: users.map((user) => toColumn(user as string)) } }];
}

function isMetByNothing(condition: Condition): boolean {
  return condition.op === "is_not" || (condition.op === "exists" && !condition.value);
}

/** The values that a column can have at all, as it has them. */
function operands(values: readonly Scalar[], isNumber: boolean): readonly (string | number)[] {
  if (isNumber) return values.filter((value) => Number.isFinite(value)) as readonly number[];
  return values.filter((value) => typeof value === "string").map(toColumn);
}
