import {
  record,
  type Cells,
  type Section,
  type TypeCounts,
  type UserSketches,
  type ValueCounts,
} from "../analytics/cells.ts";
import type { SectionCells } from "./store.ts";

/** Cells from their JSON, their records without a prototype. */
export function readCells(json: string): Cells {
  const { types, users, dimensions } = JSON.parse(json) as Cells;
  return {
    types: bare(types),
    users: bare(users),
    dimensions: bareMap(dimensions, bareValues),
  };
}

/** One section of cells from its JSON. */
export function readSection<S extends Section>(section: S, json: string): SectionCells<S>;
export function readSection(
  section: Section,
  json: string,
): TypeCounts | UserSketches | ValueCounts {
  const cells = JSON.parse(json) as TypeCounts | UserSketches | ValueCounts;
  return section === "types" || section === "users"
    ? bare(cells as TypeCounts | UserSketches)
    : bareValues(cells as ValueCounts);
}

function bareValues(values: ValueCounts): ValueCounts {
  return bareMap(values, bare);
}

function bareMap<T>(from: Readonly<Record<string, T>>, each: (value: T) => T): Record<string, T> {
  const to = record<T>();
  for (const key of Object.keys(from)) to[key] = each(from[key]!);
  return to;
}

function bare<T extends object>(from: T): T {
  return Object.assign(record(), from) as T;
}
