import type { StoredEvent } from "../../event/event.ts";
import { elementsAt, propertyAt } from "../../event/filter.ts";
import { hasElements, type PropertyPath } from "../../event/property-path.ts";
import { shownValue } from "../../event/shown-value.ts";
import { type Sample, valueKindOf } from "./sample.ts";

/** Asks which values a property of some events has. */
export interface ValuesJob extends Shown {
  readonly kind: "values";
  readonly path: PropertyPath;
}

/** Selects the values in the answer. */
export interface Shown {
  /** Only values whose texts contain this, in any case. */
  readonly search?: string;
  readonly limit: number;
}

export interface ValueRow {
  /** The value as answers show it. */
  readonly value: string;
  /** The kind of the shown value: 10 is a number, "10" a text, and each has a row. */
  readonly kind: "text" | "number" | "boolean";
  readonly count: number;
}

export interface Values {
  readonly rows: readonly ValueRow[];
  readonly rowsLeftOut: number;
}

type Value = string | number | boolean;

const maxValues = 100_000;

/** The longest value that is listed, in code units: a longer one is no name to pick from. */
const maxValueLength = 1_024;

/**
 * Counts each value once for each event that has it. A missing property, null, an object or a list
 * is no value.
 */
export function valuesSample({ path, search, limit }: ValuesJob): Sample<Values> {
  const counts = new Map<Value, number>();
  const isOfElements = hasElements(path);
  let isCut = false;

  function count(value: Value): void {
    const known = counts.get(value);
    if (known === undefined && counts.size === maxValues) isCut = true;
    else counts.set(value, (known ?? 0) + 1);
  }

  return {
    add(event: StoredEvent) {
      const found = isOfElements ? elementsAt(event, path) : [propertyAt(event, path)];
      for (const value of new Set(found.map(counted))) if (value !== undefined) count(value);
    },
    finish() {
      const rows = [...counts].map(([value, times]) => ({
        value: shownValue(value),
        kind: valueKindOf(value) as ValueRow["kind"],
        count: times,
      }));
      const { rowsLeftOut, ...found } = mostFrequent(rows, { search, limit });
      return { ...found, rowsLeftOut: rowsLeftOut + Number(isCut) };
    },
  };
}

/** Values that are shown alike are one: lone surrogates are all U+FFFD. */
function counted(value: unknown): Value | undefined {
  if (typeof value === "string") return value.toWellFormed();
  return typeof value === "number" || typeof value === "boolean" ? value : undefined;
}

/** The values in the answer, the most frequent first, then by value, by code unit, and by kind. */
export function mostFrequent(all: readonly ValueRow[], { search, limit }: Shown): Values {
  const sought = search?.toLowerCase();
  const found = all
    .filter(({ value }) => sought === undefined || value.toLowerCase().includes(sought))
    .sort((a, b) => b.count - a.count || compare(a.value, b.value) || compare(a.kind, b.kind));
  const rows = found.filter(({ value }) => value.length <= maxValueLength).slice(0, limit);
  return { rows, rowsLeftOut: found.length - rows.length };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
