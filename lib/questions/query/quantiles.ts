/** An answered quantile is within this share of a value of that rank. */
export const relativeError = 0.01;

const gamma = (1 + relativeError) / (1 - relativeError);
const logGamma = Math.log(gamma);

/** From the end of a bucket to its middle, as a logarithm. */
const logToMiddle = Math.log((1 + gamma) / 2);

/**
 * Quantiles of many numbers in little memory: a DDSketch (C. Masson, J. E. Rim, H. K. Lee,
 * "DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees", VLDB
 * 2019), each bucket covering the values around a power of gamma. The order of the values does not
 * matter. Buckets are not collapsed: of numbers at all there are some 145,000, of those from 1 to a
 * million 691.
 */
export class Quantiles {
  readonly #positive = new Map<number, number>();
  readonly #negative = new Map<number, number>();
  #zeros = 0;
  #count = 0;
  #min = Infinity;
  #max = -Infinity;

  /** @param times how often the value is there */
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

  /** Whether the numbers differ: only then the sketch is needed to tell their quantiles. */
  get isEstimate(): boolean {
    return this.#min < this.#max;
  }

  /**
   * About the value of rank `q * (count - 1)`, rounded down, from 0 on in ascending order.
   * @param q from 0 to 1
   * @returns `null` where there are no values
   */
  at(q: number): number | null {
    if (this.#count === 0) return null;
    const rank = Math.floor(q * (this.#count - 1));
    // Zero has no sign: which of the two came first must not show.
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
 * The value that is as far, by share, from both ends of a bucket; the end itself may be larger than
 * any number.
 */
function middleOf(bucket: number): number {
  return Math.exp(bucket * logGamma - logToMiddle);
}
