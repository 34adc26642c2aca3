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
