/** The value below which a share of the values lies: the nearest rank, so one that was measured. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  const rank = Math.max(1, Math.ceil(share * sorted.length));
  return sorted[rank - 1] ?? NaN;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/**
 * Measure several sides in rounds, each side once in a round and first in turn, so that whatever
 * else the machine does falls on all of them.
 * @returns each side's results, in the order of the sides
 */
export async function interleaved<Result>(
  rounds: number,
  sides: readonly (() => Promise<Result>)[],
): Promise<readonly (readonly Result[])[]> {
  const results = sides.map((): Result[] => []);
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < sides.length; turn++) {
      const side = (round + turn) % sides.length;
      results[side]!.push(await sides[side]!());
    }
  }
  return results;
}
