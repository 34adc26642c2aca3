import {
  isCutSection,
  NONE,
  OTHER,
  record,
  type Cells,
  type Section,
  type SectionCells,
  type SectionRow,
  type Sum,
  type TypeCounts,
  type UserSketches,
  type ValueCounts,
} from "../counting/cells.ts";
import type { Reader } from "../counting/delta.ts";
import { mergeAll, sketchOf, type Sketch } from "../counting/sketch.ts";
import { userOf, type StoredEvent } from "../event/event.ts";

/** Parses cells; their records have no prototype. */
export function readCells(json: string): Cells {
  const { types, users, dimensions } = JSON.parse(json) as Cells;
  return {
    types: bare(types),
    users: bare(sketchesOf(users)),
    dimensions: bareEach(dimensions, bareValues),
  };
}

/**
 * Parses one section of many cells in one piece, and removes prototypes instead of copying: 14,400
 * counts take 2 ms, against 3.5 ms one by one into new records.
 */
export function readSections<S extends Section>(
  section: S,
  jsons: readonly string[],
): readonly SectionCells<S>[];
export function readSections(
  section: Section,
  jsons: readonly string[],
): readonly (TypeCounts | UserSketches | ValueCounts)[] {
  const all = JSON.parse(`[${jsons.join(",")}]`) as (TypeCounts | UserSketches | ValueCounts)[];
  for (const cells of all) {
    if (section === "users") bare(sketchesOf(cells as UserSketches));
    else if (section === "types") bare(cells);
    else bareValues(cells as ValueCounts);
  }
  return all;
}

/** Parses one section. */
export function readSection<S extends Section>(section: S, json: string): SectionCells<S> {
  return readSections(section, [json])[0]!;
}

/** Parses the section `users`, whose record keeps its prototype. */
export function readUsers(json: string): UserSketches {
  return sketchesOf(JSON.parse(json) as UserSketches);
}

/**
 * Removes what is no sketch: earlier versions kept null or an object for no users of a type that is
 * named like a property of objects (`constructor`), in deltas and in the sums of these.
 */
function sketchesOf(users: Record<string, unknown>): UserSketches {
  for (const type of Object.keys(users)) {
    if (sketchIn(users[type]) === undefined) delete users[type];
  }
  return users as UserSketches;
}

/** The sketch that is kept for a type; `undefined` for no users. */
function sketchIn(kept: unknown): Sketch | undefined {
  return typeof kept === "string" ? kept : undefined;
}

function bareValues(values: ValueCounts): ValueCounts {
  return bareEach(values, bare);
}

function bareEach<T extends object>(of: Readonly<Record<string, T>>, each: (value: T) => T) {
  for (const key of Object.keys(of)) each(of[key]!);
  return bare(of);
}

function bare<T extends object>(parsed: T): T {
  return Object.setPrototypeOf(parsed, null) as T;
}

/** A minute's sum as text: the event loop hands cells on without parsing them. */
export interface SumText {
  readonly v: number;
  /** The cells, JSON. */
  readonly cells: string;
}

/** The start of a bucket, and the cells of one section, JSON. */
export type SectionText = readonly [start: number, cells: string];

const texts = new WeakMap<Sum, string>();

/** A sum that came from a thread. Its cells are parsed from their JSON only when they are read. */
export function sumOf({ v, cells: json }: SumText): Sum {
  let cells: Sum["cells"] | undefined;
  const sum = {
    v,
    get cells() {
      return (cells ??= readCells(json));
    },
  };
  texts.set(sum, json);
  return sum;
}

/** The JSON of a sum's cells; for one that `sumOf` made, the same text that it came as. */
export function jsonOf(sum: Sum): string {
  return texts.get(sum) ?? JSON.stringify(sum.cells);
}

export function sectionRows<S extends Section>(
  section: S,
  rows: readonly SectionText[],
): readonly SectionRow<S>[] {
  const jsons = rows.map(([, json]) => json);
  const all = readSections(section, jsons);
  return rows.map(([start], i) => {
    const cells = all[i]!;
    return { start, cells, exact: !isCutSection(section, cells) };
  });
}

/**
 * The cells of a few events in one short text. A delta of one event, as an import in no order makes
 * them, is 500 bytes of JSON as cells and 100 packed: it contains no names of the usual dimensions,
 * and no type twice.
 * A JSON array: the names of further dimensions, or 0 where there are none; then for each type its
 * name, its count, its users' sketch (0: none), and for each dimension the value that all its
 * events have, or an array of values and their counts. `(none)` is 0.
 */
export type PackedCells = string;

/**
 * The dimensions that every list begins with. Packed cells in files rely on it: it must never
 * change.
 */
const usual = [
  "source",
  "context.browser",
  "context.os",
  "context.device",
  "context.country",
  "context.bot",
  "context.machine",
  "context.utm.source",
  "context.utm.campaign",
  "context.referrer",
] as const;

/**
 * The most events whose cells are packed: with more of them, reading the sections one by one is
 * worth it.
 */
const maxPacked = 4;

/** Packs cells; `undefined` for more events, and for other dimensions. */
export function packCells({ types, users, dimensions }: Cells): PackedCells | undefined {
  const names = Object.keys(dimensions);
  const more = furtherOf(names);
  if (more === undefined) return undefined;
  const packed: unknown[] = [more];
  let events = 0;
  for (const type of Object.keys(types)) {
    const count = types[type]!;
    events += count;
    if (events > maxPacked) return undefined;
    // Cells that came from another thread have prototypes, in which a type may find a property.
    packed.push(type, count, Object.hasOwn(users, type) ? users[type] : 0);
    for (const name of names) {
      const values = dimensions[name]!;
      if (!Object.hasOwn(values, type)) return undefined;
      packed.push(packValues(values[type]!, count));
    }
  }
  return JSON.stringify(packed);
}

/**
 * Returns a function that packs the cells of one event, without making them; `undefined` for other
 * dimensions. An import in no order has one event in nearly every minute.
 */
export function eventPacker(
  readers: readonly Reader[],
): ((event: StoredEvent) => PackedCells) | undefined {
  const more = furtherOf(readers.map(({ dimension }) => dimension));
  if (more === undefined) return undefined;
  return (event) => {
    const user = userOf(event);
    const packed: unknown[] = [more, event.type, 1, user === undefined ? 0 : sketchOf([user])];
    for (const { read } of readers) packed.push(shown(read(event)));
    return JSON.stringify(packed);
  };
}

/**
 * The names of the dimensions beyond the usual ones, as packed cells have them; `undefined` where
 * the usual ones do not come first.
 */
function furtherOf(names: readonly string[]): 0 | readonly string[] | undefined {
  if (!usual.every((name, i) => names[i] === name)) return undefined;
  return names.length === usual.length ? 0 : names.slice(usual.length);
}

type PackedValue = string | 0;
type PackedValues = readonly (string | number)[];

function shown(value: string): PackedValue {
  return value === NONE ? 0 : value;
}

function packValues(
  values: Readonly<Record<string, number>>,
  count: number,
): PackedValue | PackedValues {
  const entries = Object.entries(values);
  const [first] = entries;
  if (entries.length === 1 && first![1] === count) return shown(first![0]);
  return entries.flatMap(([value, n]) => [shown(value), n]);
}

/** Whether a text is packed cells, and not the JSON of cells or of a section. */
export function isPacked(text: string): boolean {
  return text.startsWith("[");
}

export function unpackCells(text: PackedCells): Cells {
  return sumPacked([text])[0]!;
}

/**
 * Sums packed cells, one sum for each list of dimensions: it adds them up without unpacking each.
 */
export function sumPacked(texts: readonly PackedCells[]): readonly Cells[] {
  const sums = new Map<string, PackedSum>();
  for (const packed of JSON.parse(`[${texts.join(",")}]`) as readonly Packed[]) {
    const [more] = packed;
    const key = more === 0 ? "" : JSON.stringify(more);
    let sum = sums.get(key);
    if (sum === undefined) sums.set(key, (sum = new PackedSum(more === 0 ? [] : more)));
    sum.add(packed);
  }
  return [...sums.values()].map((sum) => sum.total());
}

class PackedSum {
  readonly #names: readonly string[];
  readonly #types = record<number>();
  readonly #sketches = new Map<string, Sketch[]>();
  /** The values in the order of the names. */
  readonly #values: readonly Record<string, Record<string, number>>[];

  constructor(more: readonly string[]) {
    this.#names = [...usual, ...more];
    this.#values = this.#names.map(() => record());
  }

  add(packed: Packed): void {
    for (let at = 1; at < packed.length;) {
      const type = packed[at++] as string;
      const count = packed[at++] as number;
      this.#types[type] = (this.#types[type] ?? 0) + count;
      const sketch = sketchIn(packed[at++]);
      if (sketch !== undefined) this.#addUsers(type, sketch);
      for (const values of this.#values) {
        addValues((values[type] ??= record()), packed[at++]!, count);
      }
    }
  }

  #addUsers(type: string, sketch: Sketch): void {
    const known = this.#sketches.get(type);
    if (known === undefined) this.#sketches.set(type, [sketch]);
    else known.push(sketch);
  }

  total(): Cells {
    const users = record<Sketch>();
    for (const [type, sketches] of this.#sketches) users[type] = mergeAll(sketches);
    const dimensions = record<ValueCounts>();
    this.#names.forEach((name, at) => (dimensions[name] = this.#values[at]!));
    return { types: this.#types, users, dimensions };
  }
}

function addValues(
  sum: Record<string, number>,
  packed: string | number | PackedValues,
  count: number,
): void {
  if (typeof packed === "object") {
    for (let at = 0; at < packed.length; at += 2) {
      addValues(sum, packed[at]!, packed[at + 1] as number);
    }
    return;
  }
  const value = typeof packed === "number" ? NONE : packed;
  sum[value] = (sum[value] ?? 0) + count;
}

/** Unpacks one section of packed cells, as `sectionOf` does of all; the others are stepped over. */
export function unpackSection<S extends Section>(section: S, text: PackedCells): SectionCells<S>;
export function unpackSection(
  section: Section,
  text: PackedCells,
): TypeCounts | UserSketches | ValueCounts {
  const packed = JSON.parse(text) as Packed;
  const [more] = packed;
  const names: readonly string[] = more === 0 ? usual : [...usual, ...more];
  const at = names.indexOf(section);
  const cells = record<unknown>();
  for (let from = 1; from < packed.length; from += 3 + names.length) {
    const [type, count] = packed.slice(from, from + 2) as [string, number];
    if (section === "types") cells[type] = count;
    else if (section === "users") {
      const sketch = sketchIn(packed[from + 2]);
      if (sketch !== undefined) cells[type] = sketch;
    } else {
      const values = (cells[type] = record<number>());
      addValues(values, at === -1 ? OTHER : packed[from + 3 + at]!, count);
    }
  }
  return cells as TypeCounts | UserSketches | ValueCounts;
}

type Packed = readonly [more: 0 | readonly string[], ...(string | number | PackedValues)[]];
