import {
  emptyCells,
  mergeCells,
  mergeTypes,
  mergeUsers,
  mergeValues,
  record,
  sectionOf,
  type Cells,
  type Section,
  type TypeCounts,
  type UserSketches,
  type ValueCounts,
} from "../analytics/cells.ts";
import { readSection } from "./cells-json.ts";
import type { SectionTexts } from "./mongo-documents.ts";
import type { SectionCells } from "./store.ts";

/** How many cells are held at a time while they are summed. */
const blockSize = 64;

/**
 * A section's name as the name of a field: MongoDB takes dots and dollars in those for its own.
 * A dimension's name is a path, for example `context.country`.
 */
export function fieldOf(section: Section): string {
  return encodeURIComponent(section).replaceAll(".", "%2E");
}

/** Cells as one JSON text for each section, so that keys from users are never names of fields. */
export function toTexts({ types, users, dimensions }: Cells): SectionTexts {
  const texts = record<string>();
  texts["types"] = JSON.stringify(types);
  texts["users"] = JSON.stringify(users);
  for (const name of Object.keys(dimensions)) {
    texts[fieldOf(name)] = JSON.stringify(dimensions[name]);
  }
  return texts;
}

export function fromTexts({ types, users, ...others }: SectionTexts): Cells {
  const dimensions = record<ValueCounts>();
  for (const [field, text] of Object.entries(others)) {
    const name = decodeURIComponent(field);
    dimensions[name] = readSection(name, text);
  }
  return {
    types: readSection("types", types ?? "{}"),
    users: readSection("users", users ?? "{}"),
    dimensions,
  };
}

/** The fields that a section is read from: where cells lack a dimension, all their events are `(other)`. */
export function fieldsOf(section: Section): readonly string[] {
  return section === "types" || section === "users" ? [section] : ["types", fieldOf(section)];
}

/** One section from the texts of its `fieldsOf`. */
export function sectionFrom<S extends Section>(section: S, texts: SectionTexts): SectionCells<S> {
  const text = texts[fieldOf(section)];
  if (text !== undefined) return readSection(section, text);
  return sectionOf(fromTexts({ types: texts["types"] ?? "{}" }), section);
}

/** A sum under way, of which few parts are held at a time. */
export class RunningSum<T> {
  readonly #merge: (parts: readonly T[]) => T;
  #parts: T[] = [];

  constructor(merge: (parts: readonly T[]) => T) {
    this.#merge = merge;
  }

  add(part: T): void {
    if (this.#parts.length === blockSize) this.#parts = [this.#merge(this.#parts)];
    this.#parts.push(part);
  }

  total(): T {
    return this.#merge(this.#parts);
  }
}

export function cellsSum(): RunningSum<Cells> {
  return new RunningSum((parts) => (parts.length === 0 ? emptyCells() : mergeCells(parts)));
}

/** A sum of one section of many cells. */
export function sectionSum<S extends Section>(section: S): RunningSum<SectionCells<S>>;
export function sectionSum(section: Section): unknown {
  if (section === "types") return new RunningSum<TypeCounts>(mergeTypes);
  if (section === "users") return new RunningSum<UserSketches>(mergeUsers);
  return new RunningSum<ValueCounts>(mergeValues);
}
