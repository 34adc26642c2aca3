/** Texts as numbers, from 0 on in the order of their first coming. */
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

  /** By number. */
  all(): readonly string[] {
    return [...this.#numbers.keys()];
  }
}
