/**
 * Numbers from this size on are summed separately, each divided by 2^64, which keeps their digits,
 * so that no intermediate sum overflows.
 */
const hugeFrom = 2 ** 960;
const scale = 2 ** 64;

/**
 * Below this size a sum of huge numbers (divided by 2^64) is multiplied by 2^64 again, and added to
 * the other sum.
 */
const hugeSumFrom = 2 ** 958;

/** Beside a larger sum, only the sign of a number below this can matter. */
const tinyBelow = 2 ** -900;

/**
 * The state of a sum: the sums of whole numbers, of other numbers, and of huge numbers (divided by
 * 2^64).
 */
export type ExactSumPart = readonly [
  whole: number,
  partials: readonly number[],
  huge: readonly number[],
];

/**
 * A sum of floating-point numbers that does not depend on their order: the true sum, rounded once.
 * By J. R. Shewchuk, "Adaptive Precision Floating-Point Arithmetic and Fast Robust Geometric
 * Predicates", 1997: the error of each addition is kept as a number of its own.
 */
export class ExactSum {
  /** The sum of whole numbers while it is exact, which is the usual case. */
  #whole = 0;
  /**
   * Partial sums that do not overlap, the smallest first: of other numbers, and of huge numbers.
   */
  #partials: readonly number[] = [];
  #huge: readonly number[] = [];

  add(value: number): void {
    const whole = this.#whole + value;
    if (Number.isSafeInteger(value) && Number.isSafeInteger(whole)) this.#whole = whole;
    else if (Math.abs(value) < hugeFrom) this.#partials = plus(this.#partials, value);
    else this.#huge = plus(this.#huge, value / scale);
  }

  /** Adds a value several times. */
  addTimes(value: number, times: number): void {
    const product = value * times;
    if (Number.isSafeInteger(value) && Number.isSafeInteger(product)) return this.add(product);
    if (Math.abs(value) >= hugeFrom) {
      for (let time = 0; time < times; time++) this.add(value);
      return;
    }
    // Doubling a number is exact, so its multiple is the sum of some of its doubles.
    for (let [rest, double] = [times, value]; rest > 0; rest = Math.floor(rest / 2), double *= 2) {
      if (rest % 2 === 1) this.add(double);
    }
  }

  /** The state of the sum, safe in JSON, for another sum to merge. */
  partial(): ExactSumPart {
    return [this.#whole, this.#partials, this.#huge];
  }

  merge([whole, partials, huge]: ExactSumPart): void {
    this.add(whole);
    this.#partials = partials.reduce(plus, this.#partials);
    this.#huge = huge.reduce(plus, this.#huge);
  }

  /** The sum; infinite where it is larger than any number. */
  get value(): number {
    const { sum, times } = this.#total();
    return sum * times;
  }

  /** The sum divided by a count, even where the sum itself would overflow. */
  by(count: number): number {
    const { sum, times } = this.#total();
    return (sum / count) * times;
  }

  #total(): { readonly sum: number; readonly times: number } {
    if (this.#huge.length === 0 && this.#partials.length === 0)
      return { sum: this.#whole, times: 1 };
    const others = plus(this.#partials, this.#whole);
    // Adding the largest first lets partial sums cancel out.
    const huge = this.#huge.toReversed().reduce<readonly number[]>(plus, []);
    if (Math.abs(huge.at(-1) ?? 0) < hugeSumFrom) {
      return { sum: rounded(huge.reduce((sum, one) => plus(sum, one * scale), others)), times: 1 };
    }
    let all: readonly number[] = huge;
    for (const other of others.toReversed().reduce<readonly number[]>(plus, []).toReversed()) {
      const isTiny = Math.abs(other) < tinyBelow;
      all = plus(all, isTiny ? Math.sign(other) * tinyBelow : other / scale);
      if (isTiny) break;
    }
    return { sum: rounded(all), times: scale };
  }
}

/** Adds a number to a sum of partials. */
function plus(partials: readonly number[], value: number): readonly number[] {
  let sum = value;
  const kept: number[] = [];
  for (const partial of partials) {
    const [high, low] = Math.abs(sum) < Math.abs(partial) ? [partial, sum] : [sum, partial];
    sum = high + low;
    const error = low - (sum - high);
    if (error !== 0) kept.push(error);
  }
  kept.push(sum);
  return kept;
}

/** The number nearest to the sum of partials. Of two equally near numbers it is the even one. */
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
