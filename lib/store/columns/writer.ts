import type { Json } from "../../event/event.ts";
import { ColumnBuilder, encodeHashes, encodeInstants } from "./encoding.ts";
import { type EventRow, fromColumn } from "../rows.ts";
import { columnName, textFields, userColumn, userHashes } from "./names.ts";
import { maxNameLength, type PropertyPath } from "../../event/property-path.ts";

/** A chunk's events as columns. */
export interface WrittenColumns {
  readonly rows: number;
  /**
   * Whether every property has a column that a question can name. If not, events may have
   * properties that no column holds.
   */
  readonly complete: boolean;
  readonly columns: readonly (readonly [name: string, bytes: Uint8Array])[];
}

/** A parsed body (`rows.ts`). */
export type ReadBody = Readonly<Record<string, Json>>;

/** The most properties that get a column; limits disk use when clients invent property names. */
const maxColumns = 1_024;
const maxDepth = 8;

/**
 * The most text in a column, in code units. Values of longer columns hardly repeat, so the column
 * would cost more than it saves.
 */
const maxTextLength = 1_048_576;

/**
 * Turns the rows of a chunk into columns. Each property of `data`, `metadata` and `context`, at any
 * depth, gets its own column, but for those whose path is too long for any question to name.
 */
export class ColumnWriter {
  readonly #size: number;
  readonly #fields: readonly ColumnBuilder[];
  readonly #timestamps: Float64Array;
  readonly #receivedAts: Float64Array;
  readonly #root: Node = { nameLength: 0, children: new Map(), lately: [] };
  #columns = 0;
  #complete = true;
  #rows = 0;

  /** @param size the most rows of the chunk */
  constructor(size: number) {
    this.#size = size;
    this.#fields = textFields.map(() => new ColumnBuilder(size));
    this.#timestamps = new Float64Array(size);
    this.#receivedAts = new Float64Array(size);
  }

  add(row: EventRow): void {
    const [project, , , timestamp, receivedAt, type, source, correlationId, user, , body] = row;
    const texts = [project, type, source, correlationId, user];
    this.addRead(timestamp, receivedAt, texts, JSON.parse(body) as ReadBody);
  }

  /**
   * `add` for a row whose body has been parsed.
   * @param texts the columns of the `textFields`, in their order
   */
  addRead(
    timestamp: number,
    receivedAt: number,
    texts: readonly (string | null)[],
    body: ReadBody,
  ): void {
    const at = this.#rows++;
    this.#timestamps[at] = timestamp;
    this.#receivedAts[at] = receivedAt;
    for (let i = 0; i < texts.length; i++) {
      const text = texts[i]!;
      if (text !== null) this.#fields[i]!.set(at, fromColumn(text));
    }
    this.#addObject(at, this.#root, body, 0);
  }

  /** @param isByTime whether the columns have the rows in the order of time, not as they came */
  finish(isByTime = false): WrittenColumns {
    const rows = this.#rows;
    const order = isByTime ? orderOf(this.#timestamps.subarray(0, rows)) : undefined;
    const inOrder = (instants: Float64Array) =>
      order === undefined
        ? instants.subarray(0, rows)
        : Float64Array.from(order, (at) => instants[at]!);
    const columns: (readonly [string, Uint8Array])[] = [
      ["timestamp", encodeInstants(inOrder(this.#timestamps))],
      ["receivedAt", encodeInstants(inOrder(this.#receivedAts))],
      ...textFields.map((name, i) => [name, this.#fields[i]!.encode(rows, order)] as const),
      [userHashes, encodeHashes(this.#fields[textFields.indexOf(userColumn)]!.values)],
    ];
    for (const [path, builder] of columnsOf(this.#root, [])) {
      if (builder.textLength <= maxTextLength) {
        columns.push([columnName(path as PropertyPath), builder.encode(rows, order)]);
      } else {
        this.#complete = false;
      }
    }
    return { rows, complete: this.#complete, columns };
  }

  #addObject(row: number, node: Node, object: ReadBody, depth: number): void {
    // V8 reads a property that `for in` has just named without looking it up. Objects from
    // `JSON.parse` inherit nothing that it would name.
    let at = 0;
    for (const key in object) {
      const value = object[key]!;
      let child = node.lately[at];
      if (child?.key !== key) {
        child = node.children.get(key) ?? this.#addChild(node, key, depth);
        if (child === undefined) continue;
        node.lately[at] = child;
      }
      at++;
      if (typeof value !== "object" || value === null) {
        child.builder.set(row, value);
      } else {
        child.builder.setComposite(row);
        if (!Array.isArray(value)) {
          this.#addObject(row, child, value as ReadBody, depth + 1);
        }
      }
    }
  }

  /** Adds a property to those inside another one; `undefined` where it gets no column. */
  #addChild(node: Node, key: string, depth: number): Property | undefined {
    const nameLength = node.nameLength + key.length + Number(depth > 0);
    if (nameLength > maxNameLength) return undefined;
    if (depth === maxDepth || this.#columns === maxColumns) {
      this.#complete = false;
      return undefined;
    }
    this.#columns++;
    const builder = new ColumnBuilder(this.#size);
    const child = { key, nameLength, children: new Map(), lately: [], builder };
    node.children.set(key, child);
    return child;
  }
}

/** The rows in the order of their instants; `undefined` where they are in that order already. */
function orderOf(instants: Float64Array): Uint32Array | undefined {
  if (instants.every((instant, at) => at === 0 || instant >= instants[at - 1]!)) return undefined;
  const rows = Uint32Array.from(instants, (_, row) => row);
  return rows.sort((a, b) => instants[a]! - instants[b]! || a - b);
}

/** The properties inside another one. */
interface Node {
  /** The length of the path's shortest name, `data.plan`, in code units. */
  readonly nameLength: number;
  readonly children: Map<string, Property>;
  /**
   * Those of the last event, in its order. The next event mostly has the same ones, and comparing
   * two keys is cheaper than looking one up.
   */
  readonly lately: Property[];
}

interface Property extends Node {
  readonly key: string;
  readonly builder: ColumnBuilder;
}

function* columnsOf(
  { children }: Node,
  path: readonly string[],
): Generator<readonly [readonly string[], ColumnBuilder]> {
  for (const [key, child] of children) {
    yield [[...path, key], child.builder];
    yield* columnsOf(child, [...path, key]);
  }
}
