/** What reads may take together, and one of them, besides what a question may read. */
export interface ReadingLimits {
  /** How many of a project's reads that scan events may wait for their turn. */
  readonly maxWaiting: number;
  /** A page of events ends after so many bytes of JSON. */
  readonly pageMaxBytes: number;
  /** What the answers that are kept for a minute may take in memory. */
  readonly cacheMaxBytes: number;
  /** What answers may hold while they are made and until clients have taken them; one project's half of it. */
  readonly answerMaxBytes: number;
  /** A client that takes nothing of its answer for so long is cut off. */
  readonly takeWithinMs: number;
}

/** @param integer reads a variable: its default, its least and its greatest value */
export function readReadingLimits(
  integer: (name: string, otherwise: number, min: number, max: number) => number,
): ReadingLimits {
  const most = Number.MAX_SAFE_INTEGER;
  return {
    maxWaiting: integer("QUERY_MAX_WAITING", 20, 0, 10_000),
    pageMaxBytes: integer("PAGE_MAX_BYTES", 2_097_152, 65_536, 67_108_864),
    cacheMaxBytes: integer("CACHE_MAX_BYTES", 33_554_432, 0, most),
    answerMaxBytes: integer("ANSWER_MAX_BYTES_UNDER_WAY", 16_777_216, 1_048_576, most),
    takeWithinMs: integer("ANSWER_TAKE_WITHIN_MS", 60_000, 100, 3_600_000),
  };
}
