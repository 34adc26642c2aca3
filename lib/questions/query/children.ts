/** Up to this many pairs are kept in an array, which takes a megabyte; more in a map. */
const maxDense = 262_144;

/**
 * A number for each pair of a group and one of its cells; both are counted from 0 in the order in
 * which they come.
 */
class CellPairs {
  readonly #cells: number;
  /** Numbers are stored plus one: 0 stands for none. */
  #dense = new Uint16Array(1_024);
  readonly #sparse = new Map<number, number>();

  /** @param cells the most cells */
  constructor(cells: number) {
    this.#cells = cells;
  }

  get(group: number, cell: number): number | undefined {
    const pair = group * this.#cells + cell;
    if (pair >= this.#dense.length) return this.#sparse.get(pair);
    const kept = this.#dense[pair]!;
    return kept === 0 ? undefined : kept - 1;
  }

  /** @param number below 65,535 */
  set(group: number, cell: number, number: number): void {
    const pair = group * this.#cells + cell;
    if (pair >= this.#dense.length && pair < maxDense) this.#grow(pair);
    if (pair < this.#dense.length) this.#dense[pair] = number + 1;
    else this.#sparse.set(pair, number);
  }

  #grow(pair: number): void {
    let length = this.#dense.length;
    while (length <= pair) length *= 2;
    const grown = new Uint16Array(length);
    grown.set(this.#dense);
    this.#dense = grown;
  }
}

/** A child for each pair of a group and one of its cells, numbered from 0. */
export class Children<Child> {
  /** The children by number. */
  readonly all: Child[] = [];
  readonly #pairs: CellPairs;
  readonly #known = new Map<Child, number>();
  readonly #childOf: (group: number, cell: number) => Child;

  /**
   * @param cells the most cells
   * @param childOf called once for each new pair; several pairs may have one child
   */
  constructor(cells: number, childOf: (group: number, cell: number) => Child) {
    this.#pairs = new CellPairs(cells);
    this.#childOf = childOf;
  }

  /** The number of a pair's child. */
  numberOf(group: number, cell: number): number {
    const known = this.#pairs.get(group, cell);
    if (known !== undefined) return known;
    const child = this.#childOf(group, cell);
    const number = this.#known.get(child) ?? this.all.push(child) - 1;
    this.#known.set(child, number);
    this.#pairs.set(group, cell, number);
    return number;
  }
}
