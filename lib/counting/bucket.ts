/** The grains that are rolled up, finest first. */
export const grains = ["minute", "hour", "day"] as const;
export type Grain = (typeof grains)[number];

/** Length of each grain in milliseconds. Buckets are aligned to the epoch, in UTC. */
export const grainMs = { minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const;

/** One bucket of one project. `start` is epoch milliseconds, a multiple of the grain. */
export interface Bucket {
  readonly project: string;
  readonly grain: Grain;
  readonly start: number;
}

/** The start of the bucket that holds an instant; correct before 1970 too. */
export function startOf(grain: Grain, instant: number): number {
  return Math.floor(instant / grainMs[grain]) * grainMs[grain];
}

/** The next coarser grain; `undefined` for the coarsest. */
function parentGrain(grain: Grain): Grain | undefined {
  return grain === "minute" ? "hour" : grain === "hour" ? "day" : undefined;
}

/** The next finer grain; `undefined` for the finest. */
export function childGrain(grain: Grain): Grain | undefined {
  return grain === "day" ? "hour" : grain === "hour" ? "minute" : undefined;
}

/** The bucket of the next coarser grain that holds this one; `undefined` for a day. */
export function parentOf({ project, grain, start }: Bucket): Bucket | undefined {
  const coarser = parentGrain(grain);
  return coarser && { project, grain: coarser, start: startOf(coarser, start) };
}

/** The buckets of the next finer grain within this one, ascending; none within a minute. */
export function childrenOf({ project, grain, start }: Bucket): Bucket[] {
  const finer = childGrain(grain);
  if (finer === undefined) return [];
  const lengthMs = grainMs[finer];
  return Array.from({ length: grainMs[grain] / lengthMs }, (_, n) => ({
    project,
    grain: finer,
    start: start + n * lengthMs,
  }));
}

export interface DirtyMark {
  readonly bucket: Bucket;
  readonly nonce: string;
}
