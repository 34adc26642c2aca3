import { mergeAll, type Sketch } from "./sketch.ts";

/** Events by type. */
export type TypeCounts = Readonly<Record<string, number>>;

/**
 * Events by type and, within, by a dimension's value. Every event counts under one value: `(none)`
 * where it has none.
 */
export type ValueCounts = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** Distinct users by type, mergeable. */
export type UserSketches = Readonly<Record<string, Sketch>>;

/**
 * What one batch adds to one minute, or what a bucket holds in total. Plain data, safe in JSON.
 * Keys come from users (`__proto__` is one), so records have no prototype.
 */
export interface Cells {
  readonly types: TypeCounts;
  readonly users: UserSketches;
  /** By dimension, for example `context.country`. */
  readonly dimensions: Readonly<Record<string, ValueCounts>>;
}

/** A part of the cells that can be read alone: `types`, `users` or a dimension's name. */
export type Section = string;

export const NONE = "(none)";
export const OTHER = "(other)";

/** The most values of one dimension, over all types, that a rollup keeps. */
export const maxDimensionValues = 1_000;

/**
 * The most types of events that a rollup keeps. No event's type has parentheses, so none is
 * `(other)`.
 */
export const maxTypes = 1_000;

/** The longest value that a rollup keeps, in code units; a longer one counts under `(other)`. */
export const maxKeyLength = 254;

/** No events. */
export function emptyCells(): Cells {
  return { types: record(), users: record(), dimensions: record() };
}

/**
 * The sum of many cells, uncut. Associative and commutative, so batches may arrive in any order.
 *
 * Where a dimension is counted in some parts and not in others (it was configured in between), the
 * events of the others count under `(other)`. So for each dimension and type the values sum up to
 * `types[type]` wherever that holds for the parts.
 */
export function mergeCells(parts: Iterable<Cells>): Cells {
  const all = [...parts];
  const names = new Set(all.flatMap((part) => Object.keys(part.dimensions)));
  const dimensions = record<ValueCounts>();
  for (const name of names) {
    dimensions[name] = mergeValues(all.map((part) => valuesOf(part, name)));
  }
  return {
    types: mergeTypes(all.map((part) => part.types)),
    users: mergeUsers(all.map((part) => part.users)),
    dimensions,
  };
}

/** The sum of the `types` sections of many cells. */
export function mergeTypes(parts: Iterable<TypeCounts>): TypeCounts {
  const sum = record<number>();
  for (const part of parts) addCounts(sum, part);
  return sum;
}

/** The sum of one dimension's sections of many cells, uncut. */
export function mergeValues(parts: Iterable<ValueCounts>): ValueCounts {
  const sum = record<Record<string, number>>();
  for (const part of parts) {
    for (const type of Object.keys(part)) addCounts((sum[type] ??= record()), part[type]!);
  }
  return sum;
}

/** The union, for each type, of the `users` sections of many cells. */
export function mergeUsers(parts: Iterable<UserSketches>): UserSketches {
  const sketches = new Map<string, Sketch[]>();
  for (const part of parts) {
    for (const type of Object.keys(part)) {
      const known = sketches.get(type);
      if (known === undefined) sketches.set(type, [part[type]!]);
      else known.push(part[type]!);
    }
  }
  const union = record<Sketch>();
  for (const [type, ofType] of sketches) union[type] = mergeAll(ofType);
  return union;
}

/**
 * Cuts the cells to their `maxTypes` largest types, and each dimension to its `maxDimensionValues`
 * largest values, counted over all types; the rest is summed under `(other)`, type by type, so
 * totals are conserved. Ties keep the smaller by code unit. `(none)` is never cut, and neither it
 * nor `(other)` counts to the limit.
 */
export function cutCells(cells: Cells): Cells {
  const { types, users, dimensions } = cutTypes(cells);
  const cut = record<ValueCounts>();
  for (const name of Object.keys(dimensions)) cut[name] = cutValues(dimensions[name]!);
  return { types, users, dimensions: cut };
}

/** True where a section of cells does not list every type, or every value of a dimension. */
export function isCutSection(
  section: Section,
  cells: TypeCounts | UserSketches | ValueCounts,
): boolean {
  if (Object.hasOwn(cells, OTHER)) return true;
  return section !== "types" && section !== "users" && isCut(cells as ValueCounts);
}

/**
 * True where some values, of the given types or of any, are summed under `(other)`, or may have
 * been shortened: rollups once kept the first 256 code units of longer ones.
 */
export function isCut(values: ValueCounts, types?: Iterable<string>): boolean {
  for (const type of types ?? Object.keys(values)) {
    if (!Object.hasOwn(values, type)) continue;
    const counts = values[type]!;
    if (Object.hasOwn(counts, OTHER)) return true;
    for (const value in counts) if (value.length > maxKeyLength) return true;
  }
  return false;
}

/** The part of the cells that is read alone. A dimension that these cells lack is all `(other)`. */
export function sectionOf<S extends Section>(cells: Cells, section: S): SectionCells<S>;
export function sectionOf(cells: Cells, section: Section): TypeCounts | UserSketches | ValueCounts {
  if (section === "types") return cells.types;
  if (section === "users") return cells.users;
  return valuesOf(cells, section);
}

function valuesOf(cells: Cells, dimension: string): ValueCounts {
  if (Object.hasOwn(cells.dimensions, dimension)) return cells.dimensions[dimension]!;
  const values = record<Record<string, number>>();
  for (const type of Object.keys(cells.types)) {
    values[type] = record();
    values[type][OTHER] = cells.types[type]!;
  }
  return values;
}

function cutTypes(cells: Cells): Cells {
  const names = Object.keys(cells.types).filter((type) => type !== OTHER);
  if (names.length <= maxTypes) return cells;
  const kept = new Set(largest(new Map(names.map((type) => [type, cells.types[type]!])), maxTypes));
  const nameOf = (type: string) => (kept.has(type) ? type : OTHER);
  const dimensions = record<ValueCounts>();
  for (const name of Object.keys(cells.dimensions)) {
    dimensions[name] = mergeValues(renamed(cells.dimensions[name]!, nameOf));
  }
  return {
    types: mergeTypes(renamed(cells.types, nameOf)),
    users: mergeUsers(renamed(cells.users, nameOf)),
    dimensions,
  };
}

/** A record of each entry alone, under another name. */
function renamed<T>(
  of: Readonly<Record<string, T>>,
  nameOf: (key: string) => string,
): readonly Readonly<Record<string, T>>[] {
  return Object.keys(of).map((key) => {
    const one = record<T>();
    one[nameOf(key)] = of[key]!;
    return one;
  });
}

/** The keys with the largest numbers; of equal ones the smaller by code unit. */
function largest(numbers: ReadonlyMap<string, number>, limit: number): readonly string[] {
  const ranked = [...numbers].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  return ranked.slice(0, limit).map(([key]) => key);
}

function cutValues(values: ValueCounts): ValueCounts {
  const totals = new Map<string, number>();
  for (const type of Object.keys(values)) {
    const counts = values[type]!;
    for (const value of Object.keys(counts)) {
      totals.set(value, (totals.get(value) ?? 0) + counts[value]!);
    }
  }
  totals.delete(NONE);
  totals.delete(OTHER);
  if (totals.size <= maxDimensionValues) return values;

  const keptNames = new Set([NONE, OTHER, ...largest(totals, maxDimensionValues)]);
  const kept = record<Record<string, number>>();
  for (const type of Object.keys(values)) {
    const counts = values[type]!;
    const ofType = (kept[type] = record<number>());
    for (const value of Object.keys(counts)) {
      const name = keptNames.has(value) ? value : OTHER;
      ofType[name] = (ofType[name] ?? 0) + counts[value]!;
    }
  }
  return kept;
}

function addCounts(sum: Record<string, number>, counts: Readonly<Record<string, number>>): void {
  for (const key of Object.keys(counts)) sum[key] = (sum[key] ?? 0) + counts[key]!;
}

/** An empty record without a prototype, so that no key means anything but itself. */
export function record<T>(): Record<string, T> {
  return Object.create(null) as Record<string, T>;
}

export interface Sum {
  /** How many deltas it sums. */
  readonly v: number;
  readonly cells: Cells;
}

export type SectionCells<S extends Section> = S extends "types"
  ? TypeCounts
  : S extends "users"
    ? UserSketches
    : ValueCounts;

export interface SectionRow<S extends Section> {
  readonly start: number;
  readonly cells: SectionCells<S>;
  /**
   * False where types or values are summed under `(other)`, or perhaps shortened (`isCutSection`).
   */
  readonly exact: boolean;
}
