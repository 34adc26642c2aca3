import type { Filter } from "mongodb";
import type { EventDocument } from "./mongo-documents.ts";
import { toColumn } from "./sqlite-rows.ts";
import type { Condition, PropertyPath, Scalar } from "./store.ts";

export type EventDocumentFilter = Filter<EventDocument>;

/** Conditions in MongoDB's terms, and what these leave to `matches`. */
export interface Translation {
  /** Every event that meets the conditions meets these. */
  readonly filters: readonly EventDocumentFilter[];
  /** The conditions that the filters do not tell exactly. */
  readonly rest: readonly Condition[];
}

const textColumns = ["id", "type", "source", "correlationId", "project", "batch", "hash"] as const;
const numberColumns = ["timestamp", "receivedAt"] as const;
const bodyProperties: readonly string[] = ["data", "metadata", "context"];

type Column = (typeof textColumns)[number] | (typeof numberColumns)[number];

/** Nothing meets it. */
export const never: EventDocumentFilter = { _id: { $in: [] } };

/** Only what means on every server exactly what `matches` says is translated as exact. */
export function translate(conditions: readonly Condition[]): Translation {
  const filters: EventDocumentFilter[] = [];
  const rest: Condition[] = [];
  for (const condition of conditions) {
    const exact = exactFilters(condition);
    filters.push(...(exact ?? widerFilters(condition)));
    if (exact === undefined) rest.push(condition);
  }
  return { filters, rest };
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
