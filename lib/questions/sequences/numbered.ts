import type { Cell, ColumnCells, Instants, NumberedCells } from "../fold.ts";

/**
 * A column's cells as the fold's own numbers: each cell is looked up once for all of its events.
 */
export class Numbered {
  readonly #numbers: NumberedCells["numbers"];
  readonly #cells: readonly Cell[];
  readonly #numberOf: (cell: Cell) => number;
  readonly #known: Int32Array;

  /** @param numberOf returns the number of a cell, 0 or more, or `none` */
  constructor(column: ColumnCells, numberOf: (cell: Cell) => number) {
    const { numbers, cells } = cellsOf(column);
    this.#numbers = numbers;
    this.#cells = cells;
    this.#numberOf = numberOf;
    this.#known = new Int32Array(cells.length).fill(unknown);
  }

  at(place: number): number {
    const cell = this.#numbers[place]!;
    const known = this.#known[cell]!;
    return known === unknown ? (this.#known[cell] = this.#numberOf(this.#cells[cell])) : known;
  }
}

/** The number of a cell without one. */
export const none = -1;
const unknown = -2;

export function cellsOf(column: ColumnCells): NumberedCells {
  if ("cells" in column) return column;
  throw new Error("neither instants nor hashes are cells");
}

export function instantsOf(column: ColumnCells): Instants["instants"] {
  if ("instants" in column) return column.instants;
  throw new Error("cells are no instants");
}

/** Numbers texts from 0, in the order in which they come. */
export class Texts {
  readonly #numbers = new Map<string, number>();

  get size(): number {
    return this.#numbers.size;
  }

  numberOf(text: string): number {
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    const number = this.#numbers.size;
    this.#numbers.set(text, number);
    return number;
  }

  /** The texts by number. */
  all(): readonly string[] {
    return [...this.#numbers.keys()];
  }
}
