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
  type SectionCells,
  type Sum,
} from "../../counting/cells.ts";
import type { Bucket } from "../../counting/bucket.ts";
import { readSection } from "../cells-text.ts";
import { bucketId, type SectionTexts } from "./documents.ts";

/**
 * The number of cells that are held at a time while they are summed; where many sums are made at
 * once, for each.
 */
const blockSize = 64;
const smallBlockSize = 8;

/**
 * The field name of a section: MongoDB gives dots and dollars in names a meaning of its own. A
 * dimension's name is a path, for example `context.country`.
 */
export function fieldOf(section: Section): string {
  return encodeURIComponent(section).replaceAll(".", "%2E");
}

/**
 * Cells as one JSON text for each section, so that keys from users never become names of fields.
 */
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

/**
 * The fields that a section is read from: where cells lack a dimension, all their events count
 * under `(other)`.
 */
export function fieldsOf(section: Section): readonly string[] {
  return section === "types" || section === "users" ? [section] : ["types", fieldOf(section)];
}

/** Reads one section from the texts of its `fieldsOf`. */
export function sectionFrom<S extends Section>(section: S, texts: SectionTexts): SectionCells<S> {
  const text = texts[fieldOf(section)];
  if (text !== undefined) return readSection(section, text);
  return sectionOf(fromTexts({ types: texts["types"] ?? "{}" }), section);
}

/** A sum in the making, which holds few parts at a time. */
class RunningSum<T> {
  readonly #merge: (parts: readonly T[]) => T;
  readonly #blockSize: number;
  #parts: T[] = [];

  constructor(merge: (parts: readonly T[]) => T, size = blockSize) {
    this.#merge = merge;
    this.#blockSize = size;
  }

  add(part: T): void {
    if (this.#parts.length === this.#blockSize) this.#parts = [this.#merge(this.#parts)];
    this.#parts.push(part);
  }

  total(): T {
    return this.#merge(this.#parts);
  }
}

/** A sum of cells, one of many. */
export function cellsSum(): RunningSum<Cells> {
  return new RunningSum<Cells>(mergeCells, smallBlockSize);
}

interface BucketSum {
  v: number;
  readonly cells: RunningSum<Cells>;
}

/** Sums of cells by bucket, in whatever order they come. */
export class BucketSums {
  readonly #sums = new Map<string, BucketSum>();

  /** @param v the number of deltas in the cells */
  add(bucket: Bucket, cells: Cells, v: number): void {
    const id = bucketId(bucket);
    let sum = this.#sums.get(id);
    if (sum === undefined) {
      sum = { v: 0, cells: cellsSum() };
      this.#sums.set(id, sum);
    }
    sum.cells.add(cells);
    sum.v += v;
  }

  /** The sum of a bucket; of no cells where nothing was added to it. */
  of(bucket: Bucket): Sum {
    const sum = this.#sums.get(bucketId(bucket));
    return sum === undefined
      ? { v: 0, cells: emptyCells() }
      : { v: sum.v, cells: sum.cells.total() };
  }
}

/** A sum of one section of many cells. */
export function sectionSum<S extends Section>(section: S): RunningSum<SectionCells<S>>;
export function sectionSum(section: Section): unknown {
  if (section === "types") return new RunningSum<TypeCounts>(mergeTypes);
  if (section === "users") return new RunningSum<UserSketches>(mergeUsers);
  return new RunningSum<ValueCounts>(mergeValues);
}
