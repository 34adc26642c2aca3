import {
  firstValue,
  type Cell,
  type Column as FoldColumn,
  type ColumnCells,
  type Fold,
} from "../../../questions/fold.ts";
import {
  matchesValue,
  type Condition,
  type Predicate,
  type EventFilter,
} from "../../../event/filter.ts";
import { each, hasElements, type PropertyPath } from "../../../event/property-path.ts";
import {
  composite,
  decodeColumn,
  decodeHashes,
  decodeInstants,
  missing,
  missingColumn,
  type Column,
} from "./encoding.ts";
import { columnName, instantFields, textFields, userColumn, userHashes } from "./writer.ts";

/** A chunk of events as columns, which are fetched as they are needed. */
interface SegmentSource {
  readonly rows: number;
  readonly complete: boolean;
  fetch(name: string): Uint8Array | undefined;
}

/** The column was not written; read the rows instead. */
export class MissingColumn extends Error {
  override readonly name = "MissingColumn";
}

/** Answers from the columns of one chunk. Costs some nanoseconds for each event and column. */
export class Segment {
  readonly #source: SegmentSource;
  readonly #columns = new Map<string, Column>();
  readonly #instants = new Map<string, Float64Array>();

  constructor(source: SegmentSource) {
    this.#source = source;
  }

  /**
   * Give the events that meet a filter to a fold.
   * @returns how many they are
   * @throws MissingColumn before the fold got any of them
   */
  fold(filter: EventFilter, fold: Fold<unknown>): number {
    const selected = this.#selected(filter);
    if (fold.addColumns !== undefined) {
      fold.addColumns(
        fold.columns.map((column) => this.#cells(column)),
        selected,
      );
      return selected.reduce((sum, bit) => sum + bit, 0);
    }
    const readers = fold.columns.map((column) => this.#reader(column));
    const row: Cell[] = readers.map(() => undefined);
    let count = 0;
    for (let at = 0; at < selected.length; at++) {
      if (selected[at] === 0) continue;
      for (let i = 0; i < readers.length; i++) row[i] = readers[i]!(at);
      fold.add(row);
      count++;
    }
    return count;
  }

  /** 1 for each event that meets the filter, else 0. */
  #selected(filter: EventFilter): Uint8Array {
    const { project, types, sources, correlationId, userId, from, to, where = [] } = filter;
    const masks = [this.#among("project", [project])];
    if (types !== undefined) masks.push(this.#among("type", types));
    if (sources !== undefined) masks.push(this.#among("source", sources));
    if (correlationId !== undefined) masks.push(this.#among("correlationId", [correlationId]));
    if (userId !== undefined) masks.push(this.#among(userColumn, [userId]));
    masks.push(...where.map((predicate) => this.#mask(predicate)));
    if (from !== undefined || to !== undefined) masks.push(this.#between(from, to));
    return all(masks, this.#source.rows);
  }

  #among(field: string, values: readonly string[]): Uint8Array {
    return this.#mask({ path: [field], op: "is", values });
  }

  #between(from = -Infinity, to = Infinity): Uint8Array {
    const instants = this.#instantsOf("timestamp");
    const mask = new Uint8Array(instants.length);
    for (let at = 0; at < mask.length; at++) {
      mask[at] = Number(instants[at]! >= from && instants[at]! < to);
    }
    return mask;
  }

  #mask(predicate: Predicate): Uint8Array {
    switch (predicate.op) {
      case "and":
        return all(
          predicate.of.map((part) => this.#mask(part)),
          this.#source.rows,
        );
      case "or": {
        const nowhere = predicate.of.map((part) => inverted(this.#mask(part)));
        return inverted(all(nowhere, this.#source.rows));
      }
      case "not":
        return inverted(this.#mask(predicate.of));
      default:
        return this.#conditionMask(predicate);
    }
  }

  #conditionMask(condition: Condition): Uint8Array {
    const [top, ...inner] = condition.path;
    if (inner.length === 0 && isOneOf(instantFields, top)) {
      return Uint8Array.from(this.#instantsOf(top), (instant) =>
        Number(matchesValue(instant, condition)),
      );
    }
    const { numbers, values } = this.#columnAt(condition.path);
    const met = Uint8Array.from([undefined, {}, ...values], (value) =>
      Number(matchesValue(value, condition)),
    );
    const mask = new Uint8Array(numbers.length);
    for (let at = 0; at < numbers.length; at++) mask[at] = met[numbers[at]!]!;
    return mask;
  }

  #reader(column: FoldColumn): (at: number) => Cell {
    if ("meets" in column) {
      const mask = this.#mask(column.meets);
      return (at) => mask[at]!;
    }
    if ("field" in column && column.field === "timestamp") {
      const instants = this.#instantsOf("timestamp");
      return (at) => instants[at]!;
    }
    const path = pathOf(column);
    const { numbers, values } = this.#columnAt(path);
    if (hasElements(path)) return () => noElements;
    return (at) => {
      const number = numbers[at]!;
      if (number >= firstValue) return values[number - firstValue];
      return number === missing ? undefined : null;
    };
  }

  #cells(column: FoldColumn): ColumnCells {
    if ("meets" in column) return { numbers: this.#mask(column.meets), cells: [0, 1] };
    if ("field" in column && column.field === "timestamp") {
      return { instants: this.#instantsOf("timestamp") };
    }
    const read = this.#columnAt(pathOf(column));
    const hashes = "field" in column && column.field === "user" ? this.#userHashes() : undefined;
    if (hashes !== undefined) return { numbers: read.numbers, hashes };
    return { numbers: read.numbers, cells: [undefined, null, ...read.values] };
  }

  /**
   * `undefined` for chunks of before there were any, and where they are damaged: the users' names
   * tell the same.
   */
  #userHashes(): Uint8Array | undefined {
    const bytes = this.#source.fetch(userHashes);
    try {
      return bytes && decodeHashes(bytes);
    } catch {
      return undefined;
    }
  }

  #columnAt(path: PropertyPath): Column {
    if (hasElements(path)) return this.#elementsAt(path);
    const isField = path.length === 1 && isOneOf(textFields, path[0]);
    const name = isField ? path[0] : columnName(path);
    let column = this.#columns.get(name);
    if (column === undefined) {
      const bytes = this.#source.fetch(name);
      if (bytes === undefined && (!this.#source.complete || !isProperty(path)))
        throw new MissingColumn();
      column =
        bytes === undefined ? missingColumn(this.#source.rows) : this.#decoded(decodeColumn, bytes);
      this.#columns.set(name, column);
    }
    return column;
  }

  /**
   * Columns tell of no elements but that there are none: where no event has a list, or an object,
   * in their place.
   */
  #elementsAt(path: PropertyPath): Column {
    const { numbers } = this.#columnAt(path.slice(0, path.indexOf(each)) as [string, ...string[]]);
    if (numbers.includes(composite)) throw new MissingColumn();
    return missingColumn(this.#source.rows);
  }

  #instantsOf(field: string): Float64Array {
    let instants = this.#instants.get(field);
    if (instants === undefined) {
      const bytes = this.#source.fetch(field);
      if (bytes === undefined) throw new MissingColumn();
      instants = this.#decoded(decodeInstants, bytes);
      this.#instants.set(field, instants);
    }
    return instants;
  }

  /** A column that is damaged tells nothing; the events themselves do. */
  #decoded<Decoded>(
    decode: (bytes: Uint8Array, rows: number) => Decoded,
    bytes: Uint8Array,
  ): Decoded {
    try {
      return decode(bytes, this.#source.rows);
    } catch {
      throw new MissingColumn();
    }
  }
}

function all(masks: readonly Uint8Array[], rows: number): Uint8Array {
  const [first, ...others] = masks;
  const met = first === undefined ? new Uint8Array(rows).fill(1) : Uint8Array.from(first);
  for (const mask of others) {
    for (let at = 0; at < met.length; at++) met[at]! &= mask[at]!;
  }
  return met;
}

function inverted(mask: Uint8Array): Uint8Array {
  return mask.map((bit) => bit ^ 1);
}

const noElements: readonly never[] = [];

function pathOf(column: Exclude<FoldColumn, { readonly meets: unknown }>): PropertyPath {
  if ("path" in column) return column.path;
  return [column.field === "user" ? userColumn : column.field];
}

function isProperty([top]: PropertyPath): boolean {
  return top === "data" || top === "metadata" || top === "context";
}

function isOneOf(names: readonly string[], name: string): boolean {
  return names.includes(name);
}
