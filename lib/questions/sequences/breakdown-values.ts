import { hasElements, type PropertyPath } from "../../event/property-path.ts";
import { shownValue } from "../../event/shown-value.ts";
import { maxValueLength } from "../query/group-tree.ts";
import { resolveDimension } from "../../counting/dimensions.ts";
import { FoldOverflow, type Cell, type Column, type ColumnCells } from "../fold.ts";
import { readProperty } from "../reading/filter-body.ts";
import type { Field, Findings } from "../reading/field.ts";
import { Numbered, Texts } from "./numbered.ts";

/** The most values that an answer shows. */
const maxShown = 50;
const maxValues = 10_000;

/** `"breakdown"`: `type`, `source` or a property; absent: no breakdown. */
export const breakdown: Field<PropertyPath | undefined> = {
  schema: {
    type: "string",
    description: "An answer for each value of type, source or a path to one value",
    examples: ["data.plan"],
  },
  read(name, at, findings) {
    if (name === undefined) return undefined;
    const inner: Findings = [];
    const known = typeof name === "string" ? (resolveDimension(name) ?? name) : name;
    const path = readProperty(known, at.pointer, inner);
    const isOne = path !== undefined && !hasElements(path);
    if (isOne && (path.length > 1 || ["type", "source"].includes(path[0]))) return path;
    const message =
      'breakdown must be type, source or a path to one value, such as data.plan, metadata.campaignId, data["http.status"]';
    findings.push({ pointer: at.pointer, code: "property", message });
    return undefined;
  },
};

/**
 * The values of a breakdown as numbers, from 0; without a breakdown all events have the number 0.
 */
export class BreakdownValues {
  readonly columns: readonly Column[];
  readonly #texts = new Texts();
  #known = 0;
  #length = 0;

  constructor(path: PropertyPath | undefined) {
    this.columns = path === undefined ? [] : [columnOf(path)];
  }

  /** @throws FoldOverflow where there are too many values, or they are too long */
  numberOf(cell: Cell): number {
    return this.numberOfShown(shownValue(cell));
  }

  /** As `numberOf`, of a value as rows show it. */
  numberOfShown(value: string): number {
    const number = this.#texts.numberOf(value);
    if (number === this.#known) {
      this.#known += 1;
      this.#length += value.length;
    }
    if (number < maxValues && this.#length <= maxValueLength) return number;
    throw new FoldOverflow(
      `the breakdown has more than ${maxValues} values, or more than ${maxValueLength} characters of them`,
    );
  }

  /** The numbers of a column's cells; absent where there is no breakdown. */
  numbered(column: ColumnCells | undefined): Numbered | undefined {
    return column && Numbered.ofCells(column, (cell) => this.numberOf(cell));
  }

  all(): readonly string[] {
    return this.#texts.all();
  }
}

/**
 * The numbers of the largest values, by users, then by the value's text (by code unit); at most
 * `maxShown`.
 */
export function largest(
  texts: readonly string[],
  usersOf: (value: number) => number,
): readonly { readonly value: string; readonly number: number }[] {
  return texts
    .map((value, number) => ({ value, number, users: usersOf(number) }))
    .filter(({ users }) => users > 0)
    .sort((a, b) => b.users - a.users || (a.value < b.value ? -1 : 1))
    .slice(0, maxShown);
}

function columnOf(path: PropertyPath): Column {
  const [first] = path;
  if (path.length > 1) return { path };
  return { field: first === "type" ? "type" : "source" };
}
