/** What reads may take together, and one of them, besides what a question may read. */
export interface ReadingLimits {
  /** How many of a project's reads that scan events may wait for their turn. */
  readonly maxWaiting: number;
  /** A page of events ends after so many bytes of JSON. */
  readonly pageMaxBytes: number;
  /** What the answers that are kept for a minute may take in memory. */
  readonly cacheMaxBytes: number;
}

/** @param integer reads a variable: its default, its least and its greatest value */
export function readReadingLimits(
  integer: (name: string, otherwise: number, min: number, max: number) => number,
): ReadingLimits {
  const most = Number.MAX_SAFE_INTEGER;
  return {
    maxWaiting: integer("QUERY_MAX_WAITING", 20, 0, 10_000),
    pageMaxBytes: integer("PAGE_MAX_BYTES", 4_194_304, 65_536, 67_108_864),
    cacheMaxBytes: integer("CACHE_MAX_BYTES", 33_554_432, 0, most),
  };
}
