/** Lets so many run at a time, the others in the order they came. */
export class Lane {
  readonly #waiting: (() => void)[] = [];
  readonly #maxWaiting: number;
  readonly #overflow: () => Error;
  #free: number;

  /** @param overflow what one is refused with where more than `maxWaiting` would wait */
  constructor(
    limit: number,
    maxWaiting = Infinity,
    overflow: () => Error = () => new Error("too many wait"),
  ) {
    this.#free = limit;
    this.#maxWaiting = maxWaiting;
    this.#overflow = overflow;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else if (this.#waiting.length >= this.#maxWaiting) throw this.#overflow();
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }
}
