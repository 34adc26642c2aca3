/** The first of many in an order, of which no more than twice as many are held. Of equals the first to come stay. */
export class Smallest<T> {
  readonly #count: number;
  readonly #compare: (a: T, b: T) => number;
  #held: T[] = [];

  constructor(count: number, compare: (a: T, b: T) => number) {
    this.#count = count;
    this.#compare = compare;
  }

  add(item: T): void {
    this.#held.push(item);
    if (this.#held.length >= 2 * this.#count) this.#held = this.sorted();
  }

  sorted(): T[] {
    return this.#held.toSorted(this.#compare).slice(0, this.#count);
  }
}
