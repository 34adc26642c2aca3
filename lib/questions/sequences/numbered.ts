import type { Cell, ColumnCells, Instants, NumberedCells } from "../fold.ts";

/**
 * A column's cells as the fold's own numbers: each cell is looked up once for all of its events.
 */
export class Numbered {
  readonly #numbers: NumberedCells["numbers"];
  readonly #numberOf: (cell: number) => number;
  readonly #known: Int32Array;

  /**
   * @param numbers the index of each event's cell
   * @param count the number of cells
   * @param numberOf returns the number of the cell at an index, 0 or more, or `none`
   */
  constructor(
    numbers: NumberedCells["numbers"],
    count: number,
    numberOf: (cell: number) => number,
  ) {
    this.#numbers = numbers;
    this.#numberOf = numberOf;
    this.#known = new Int32Array(count).fill(unknown);
  }

  static ofCells(column: ColumnCells, numberOf: (cell: Cell) => number): Numbered {
    const { numbers, cells } = cellsOf(column);
    return new Numbered(numbers, cells.length, (cell) => numberOf(cells[cell]));
  }

  at(place: number): number {
    const cell = this.#numbers[place]!;
    const known = this.#known[cell]!;
    return known === unknown ? (this.#known[cell] = this.#numberOf(cell)) : known;
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
