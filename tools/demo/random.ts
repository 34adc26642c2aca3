/**
 * A source of chance that can be repeated: the same seed gives the same numbers, on every machine.
 */
export interface Random {
  /** At least 0 and below 1, in steps of 2^-32. */
  next(): number;
  /** A whole number from 0 to `limit - 1`. */
  below(limit: number): number;
  /** True with this probability. */
  chance(probability: number): boolean;
  /**
   * Log-normal: half of the values lie below `median`; `sigma` is the deviation of the logarithm.
   */
  logNormal(median: number, sigma: number): number;
}

/**
 * The generator sfc32 ("small fast counting") of Chris Doty-Humphrey's PractRand, which is in the
 * public domain, seeded as there: three words, then fifteen numbers thrown away. Each triple is a
 * sequence of its own, so what is drawn for one mail does not depend on what was drawn for another.
 */
export function seeded(seed: number, stream: number, index: number): Random {
  let a = seed | 0;
  let b = stream | 0;
  let c = index | 0;
  let counter = 1;

  function word(): number {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }
  for (let round = 0; round < 15; round++) word();

  const next = () => word() / 4_294_967_296;
  return {
    next,
    below: (limit) => Math.floor(next() * limit),
    chance: (probability) => next() < probability,
    logNormal(median, sigma) {
      // Box and Muller's transform; the first factor never is the logarithm of 0.
      const radius = Math.sqrt(-2 * Math.log(1 - next()));
      return median * Math.exp(sigma * radius * Math.cos(2 * Math.PI * next()));
    },
  };
}

/** A choice among values by their weights, which need not add up to anything. */
export function weighted<T>(
  choices: readonly (readonly [value: T, weight: number])[],
): (random: Random) => T {
  let total = 0;
  const upTo = choices.map(([, weight]) => (total += weight));
  return (random) => {
    const at = random.next() * total;
    let low = 0;
    let high = choices.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (at < upTo[middle]!) high = middle;
      else low = middle + 1;
    }
    return choices[low]![0];
  };
}
