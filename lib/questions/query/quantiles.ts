/** The largest relative distance of an answered quantile from a value of its rank. */
export const relativeError = 0.01;

const gamma = (1 + relativeError) / (1 - relativeError);
const logGamma = Math.log(gamma);

/** The logarithm of the factor between a bucket's middle and its end. */
const logToMiddle = Math.log((1 + gamma) / 2);

/** The number of values in each bucket, the smallest value and the largest. */
export interface QuantilesPart {
  readonly positive: readonly (readonly [bucket: number, times: number])[];
  readonly negative: readonly (readonly [bucket: number, times: number])[];
  readonly zeros: number;
  readonly min: number;
  readonly max: number;
}

/**
 * Estimates quantiles of many numbers in little memory: a DDSketch (C. Masson, J. E. Rim, H. K.
 * Lee, "DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees", VLDB
 * 2019), in which each bucket covers the values around a power of gamma. The order of the values
 * does not matter. Buckets are not collapsed: there are some 145,000 for all numbers, 691 for those
 * from 1 to a million.
 */
export class Quantiles {
  readonly #positive = new Map<number, number>();
  readonly #negative = new Map<number, number>();
  #zeros = 0;
  #count = 0;
  #min = Infinity;
  #max = -Infinity;

  /** @param times how often the value occurs */
  add(value: number, times = 1): void {
    this.#count += times;
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
    const size = Math.abs(value);
    if (size === 0) {
      this.#zeros += times;
      return;
    }
    const buckets = value > 0 ? this.#positive : this.#negative;
    const bucket = Math.ceil(Math.log(size) / logGamma);
    buckets.set(bucket, (buckets.get(bucket) ?? 0) + times);
  }

  /** The buckets as plain data, safe in JSON, for another sketch to merge. */
  partial(): QuantilesPart | null {
    if (this.#count === 0) return null;
    return {
      positive: [...this.#positive],
      negative: [...this.#negative],
      zeros: this.#zeros,
      min: this.#min,
      max: this.#max,
    };
  }

  merge(part: QuantilesPart | null): void {
    if (part === null) return;
    const { positive, negative, zeros, min, max } = part;
    for (const [own, others] of [
      [this.#positive, positive] as const,
      [this.#negative, negative] as const,
    ]) {
      for (const [bucket, times] of others) {
        own.set(bucket, (own.get(bucket) ?? 0) + times);
        this.#count += times;
      }
    }
    this.#zeros += zeros;
    this.#count += zeros;
    this.#min = Math.min(this.#min, min);
    this.#max = Math.max(this.#max, max);
  }

  /** Whether the values differ: only then quantiles come from the sketch. */
  get isEstimate(): boolean {
    return this.#min < this.#max;
  }

  /**
   * The approximate value of rank `q * (count - 1)`, rounded down, counted from 0 in ascending
   * order.
   * @param q from 0 to 1
   * @returns `null` where there are no values
   */
  at(q: number): number | null {
    if (this.#count === 0) return null;
    const rank = Math.floor(q * (this.#count - 1));
    // The sum removes the sign of zero, so that the order of 0 and -0 does not show.
    return Math.min(this.#max, Math.max(this.#min, this.#valueOfRank(rank))) + 0;
  }

  #valueOfRank(rank: number): number {
    let seen = 0;
    for (const bucket of [...this.#negative.keys()].sort((a, b) => b - a)) {
      seen += this.#negative.get(bucket)!;
      if (seen > rank) return -middleOf(bucket);
    }
    seen += this.#zeros;
    if (seen > rank) return 0;
    for (const bucket of [...this.#positive.keys()].sort((a, b) => a - b)) {
      seen += this.#positive.get(bucket)!;
      if (seen > rank) return middleOf(bucket);
    }
    return this.#max;
  }
}

/**
 * The value at the same relative distance from both ends of a bucket; the upper end may be larger
 * than any number.
 */
function middleOf(bucket: number): number {
  return Math.exp(bucket * logGamma - logToMiddle);
}
