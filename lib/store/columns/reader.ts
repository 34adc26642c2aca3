import {
  firstValue,
  type Cell,
  type Column as FoldColumn,
  type ColumnCells,
  type Fold,
} from "../../questions/fold.ts";
import {
  matchesValue,
  type Condition,
  type Predicate,
  type EventFilter,
} from "../../event/filter.ts";
import { hasElements, type PropertyPath } from "../../event/property-path.ts";
import {
  composite,
  decodeColumn,
  decodeHashes,
  decodeInstants,
  missing,
  missingColumn,
  type StoredColumn,
} from "./encoding.ts";
import {
  beforeElements,
  instantFields,
  isOneOf,
  nameAt,
  pathOf,
  userColumn,
  userHashes,
} from "./names.ts";

/** A chunk of events as columns. Each column is fetched on its first use. */
interface SegmentSource {
  /** The project of all events, where they have one and the same. */
  readonly project?: string;
  readonly rows: number;
  readonly complete: boolean;
  /** The oldest and the newest timestamp of the project's events in the chunk, both included. */
  readonly oldest: number;
  readonly newest: number;
  fetch(name: string): Uint8Array | undefined;
}

/** Thrown where a column was not written: the caller reads the rows instead. */
export class MissingColumn extends Error {
  override readonly name = "MissingColumn";
}

/**
 * Answers questions from the columns of one chunk. Costs some nanoseconds for each event and
 * column.
 */
export class ColumnReader {
  readonly #source: SegmentSource;
  readonly #columns = new Map<string, StoredColumn>();
  readonly #instants = new Map<string, Float64Array>();

  constructor(source: SegmentSource) {
    this.#source = source;
  }

  /**
   * Adds the events that meet a filter to a fold.
   * @returns the number of those events
   * @throws MissingColumn before the fold got any of the events
   */
  fold(filter: EventFilter, fold: Fold<unknown>): number {
    const mask = this.#selected(filter);
    const places = placesOf(mask, this.#source.rows);
    if (places.length === 0) return 0;
    if (fold.addColumns !== undefined) {
      fold.addColumns(
        fold.columns.map((column) => this.#cells(column)),
        places,
      );
      return places.length;
    }
    const readers = fold.columns.map((column) => this.#reader(column));
    const row: Cell[] = readers.map(() => undefined);
    for (const place of places) {
      for (let i = 0; i < readers.length; i++) row[i] = readers[i]!(place);
      fold.add(row);
    }
    return places.length;
  }

  /** Selects the events that meet a filter. */
  #selected(filter: EventFilter): Mask {
    const { project, types, sources, correlationId, userId, from, to, where = [] } = filter;
    const masks = project === this.#source.project ? [] : [this.#among("project", [project])];
    if (types !== undefined) masks.push(this.#among("type", types));
    if (sources !== undefined) masks.push(this.#among("source", sources));
    if (correlationId !== undefined) masks.push(this.#among("correlationId", [correlationId]));
    if (userId !== undefined) masks.push(this.#among(userColumn, [userId]));
    masks.push(...where.map((predicate) => this.#mask(predicate)));
    masks.push(this.#between(from, to));
    return all(masks);
  }

  #among(field: string, values: readonly string[]): Mask {
    return this.#mask({ path: [field], op: "is", values });
  }

  /** Selects the project's events between two instants. */
  #between(from = -Infinity, to = Infinity): Mask {
    if (liesWithin(this.#source, { from, to })) return true;
    const instants = this.#instantsOf("timestamp");
    const mask = new Uint8Array(instants.length);
    for (let at = 0; at < mask.length; at++) {
      mask[at] = Number(instants[at]! >= from && instants[at]! < to);
    }
    return mask;
  }

  #mask(predicate: Predicate): Mask {
    switch (predicate.op) {
      case "and":
        return this.#every(predicate.of, (part) => this.#mask(part));
      case "or":
        return inverted(this.#every(predicate.of, (part) => inverted(this.#mask(part))));
      case "not":
        return inverted(this.#mask(predicate.of));
      default:
        return this.#conditionMask(predicate);
    }
  }

  /** Joins masks until no event is left: columns that only the others need are not read then. */
  #every(parts: readonly Predicate[], maskOf: (part: Predicate) => Mask): Mask {
    let joined: Mask = true;
    for (const part of parts) {
      joined = all([joined, maskOf(part)]);
      if (joined === false || (joined !== true && !joined.includes(1))) return false;
    }
    return joined;
  }

  #conditionMask(condition: Condition): Mask {
    const [top, ...inner] = condition.path;
    if (inner.length === 0 && isOneOf(instantFields, top)) {
      return Uint8Array.from(this.#instantsOf(top), (instant) =>
        Number(matchesValue(instant, condition)),
      );
    }
    const { numbers, values, constant } = this.#columnAt(condition.path);
    const met = Uint8Array.from([undefined, {}, ...values], (value) =>
      Number(matchesValue(value, condition)),
    );
    if (constant !== undefined) return met[constant] === 1;
    const mask = new Uint8Array(numbers.length);
    for (let at = 0; at < numbers.length; at++) mask[at] = met[numbers[at]!]!;
    return mask;
  }

  #reader(column: FoldColumn): (at: number) => Cell {
    if ("meets" in column) {
      const mask = this.#mask(column.meets);
      return typeof mask === "boolean" ? () => Number(mask) : (at) => mask[at]!;
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
    if ("meets" in column) {
      const mask = this.#mask(column.meets);
      const numbers =
        typeof mask === "boolean" ? new Uint8Array(this.#source.rows).fill(Number(mask)) : mask;
      return { numbers, cells: [0, 1] };
    }
    if ("field" in column && column.field === "timestamp") return this.#instantCells();
    const read = this.#columnAt(pathOf(column));
    const hashes = "field" in column && column.mayBeHashed ? this.#userHashes() : undefined;
    if (hashes !== undefined) return { numbers: read.numbers, hashes };
    return { numbers: read.numbers, cells: [undefined, null, ...read.values] };
  }

  #instantCells(): ColumnCells {
    const { oldest, newest } = this.#source;
    const read = () => this.#instantsOf("timestamp");
    return {
      oldest,
      newest,
      get instants() {
        return read();
      },
    };
  }

  /**
   * The users' hashes; `undefined` in old chunks without hashes, and where the hashes are damaged.
   * The users' names then serve instead.
   */
  #userHashes(): Uint8Array | undefined {
    const bytes = this.#source.fetch(userHashes);
    try {
      return bytes && decodeHashes(bytes);
    } catch {
      return undefined;
    }
  }

  #columnAt(path: PropertyPath): StoredColumn {
    if (hasElements(path)) return this.#elementsAt(path);
    const name = nameAt(path);
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
   * The column of a path to elements of lists. Columns hold no elements, so they suffice only where
   * no event has a list, or an object, at the path.
   * @throws MissingColumn where an event has one
   */
  #elementsAt(path: PropertyPath): StoredColumn {
    const { numbers } = this.#columnAt(beforeElements(path));
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

  /** Decodes a column. A damaged one counts as missing, so that the events themselves are read. */
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

/** Whether all of a chunk's events lie in the range of a filter. */
export function liesWithin(
  { oldest, newest }: Pick<SegmentSource, "oldest" | "newest">,
  { from = -Infinity, to = Infinity }: Pick<EventFilter, "from" | "to">,
): boolean {
  return oldest >= from && newest < to;
}

/** Selected events: 1 for each selected event and 0 for each other, or one value for all. */
type Mask = Uint8Array | boolean;

function all(masks: readonly Mask[]): Mask {
  if (masks.includes(false)) return false;
  const [first, ...others] = masks.filter((mask) => mask !== true) as Uint8Array[];
  if (first === undefined) return true;
  if (others.length === 0) return first;
  const met = Uint8Array.from(first);
  for (const mask of others) {
    for (let at = 0; at < met.length; at++) met[at]! &= mask[at]!;
  }
  return met;
}

function inverted(mask: Mask): Mask {
  return typeof mask === "boolean" ? !mask : mask.map((bit) => bit ^ 1);
}

/** The positions of the selected events in the chunk. */
function placesOf(mask: Mask, rows: number): Uint16Array {
  const places = new Uint16Array(mask === false ? 0 : rows);
  if (mask === true) for (let place = 0; place < rows; place++) places[place] = place;
  if (typeof mask === "boolean") return places;
  let length = 0;
  for (let place = 0; place < rows; place++) {
    places[length] = place;
    length += mask[place]!;
  }
  return places.subarray(0, length);
}

const noElements: readonly never[] = [];

function isProperty([top]: PropertyPath): boolean {
  return top === "data" || top === "metadata" || top === "context";
}
