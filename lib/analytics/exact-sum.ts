/**
 * A sum of floating-point numbers that does not depend on their order: the true sum, rounded once.
 * By J. R. Shewchuk, "Adaptive Precision Floating-Point Arithmetic and Fast Robust Geometric
 * Predicates", 1997: the error of each addition is kept as a number of its own.
 */
export class ExactSum {
  /** Of whole numbers, while it is exact: the usual case. */
  #whole = 0;
  /** Not overlapping, the smallest first. */
  #partials: number[] = [];
  /** The sum as it comes: what is left where numbers beyond all numbers came up. */
  #plain = 0;

  add(value: number): void {
    this.#plain += value;
    const whole = this.#whole + value;
    if (Number.isSafeInteger(value) && Number.isSafeInteger(whole)) this.#whole = whole;
    else this.#addPartial(value);
  }

  /** Infinite where the sum, or one on the way to it, is beyond what a number can hold. */
  get value(): number {
    if (!Number.isFinite(this.#plain)) return this.#plain;
    if (this.#partials.length === 0) return this.#whole;
    const partials = new ExactSum();
    partials.#partials = [...this.#partials];
    partials.#addPartial(this.#whole);
    return rounded(partials.#partials);
  }

  #addPartial(value: number): void {
    let sum = value;
    const kept: number[] = [];
    for (const partial of this.#partials) {
      const [high, low] = Math.abs(sum) < Math.abs(partial) ? [partial, sum] : [sum, partial];
      sum = high + low;
      const error = low - (sum - high);
      if (error !== 0) kept.push(error);
    }
    kept.push(sum);
    this.#partials = kept;
  }
}

/** The nearest number to the sum of partials; of two equally near ones the even one. */
function rounded(partials: readonly number[]): number {
  let at = partials.length - 1;
  let sum = partials[at]!;
  let error = 0;
  while (at > 0 && error === 0) {
    at -= 1;
    const before = sum;
    sum = before + partials[at]!;
    error = partials[at]! - (sum - before);
  }
  if (at > 0 && Math.sign(error) === Math.sign(partials[at - 1]!)) {
    const doubled = error * 2;
    const next = sum + doubled;
    if (next - sum === doubled) return next;
  }
  return sum;
}
