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

/** The start of the bucket that holds an instant. Also right before 1970. */
export function startOf(grain: Grain, instant: number): number {
  return Math.floor(instant / grainMs[grain]) * grainMs[grain];
}

/** The next coarser grain; `undefined` for the coarsest. */
export function parentGrain(grain: Grain): Grain | undefined {
  return grain === "minute" ? "hour" : grain === "hour" ? "day" : undefined;
}

/** The next finer grain; `undefined` for the finest. */
export function childGrain(grain: Grain): Grain | undefined {
  return grain === "day" ? "hour" : grain === "hour" ? "minute" : undefined;
}
