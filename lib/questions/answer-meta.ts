/**
 * Why an answer is not the whole of the true numbers.
 * - `damaged`: an event that the answer may have needed cannot be read any more and is left out.
 * - `erasing`: an erasure is under way, and the answer needed counts that may still hold what it
 *   removes.
 * - `other`: a rollup keeps the most frequent values of a dimension, and the answer needed one that
 *   it summed under `(other)`.
 * - `retention`: something that the answer needed is older than it is kept.
 * - `rowsLeftOut`: there are more rows than the limit.
 * - `sampled`: the newest events were looked at, not all that are asked about.
 * - `sketch`: unique users or quantiles were estimated.
 * - `valuesCut`: a breakdown has more values than an answer shows.
 */
export type Reason =
  | "damaged"
  | "erasing"
  | "other"
  | "retention"
  | "rowsLeftOut"
  | "sampled"
  | "sketch"
  | "valuesCut";

/**
 * Whether every number of an answer is the true one and none is missing; if not, the reasons:
 * sorted, each once.
 */
export interface Exactness {
  readonly exact: boolean;
  readonly because?: readonly Reason[];
}

/** An answer without any reason is exact. */
export function exactness(reasons: Iterable<Reason>): Exactness {
  const because = [...new Set(reasons)].sort();
  return because.length === 0 ? { exact: true } : { exact: false, because };
}

/** A range as answers show it: RFC 3339, half open. */
export interface MetaRange {
  readonly from: string;
  readonly to: string;
}

export function metaRange({ from, to }: { readonly from: number; readonly to: number }): MetaRange {
  return { from: new Date(from).toISOString(), to: new Date(to).toISOString() };
}

/** `from ... to ...`; for an end that was open it names the event that closed it. */
export function describeSpan(
  open: { readonly from?: number | undefined; readonly to?: number | undefined },
  range: { readonly from: number; readonly to: number },
): string {
  const { from, to } = metaRange(range);
  const first = open.from === undefined ? " (the oldest event asked about)" : "";
  const last = open.to === undefined ? " (the newest event asked about)" : "";
  return `from ${from}${first} to ${to}${last}`;
}

/**
 * What an answer says of itself: the part of `meta` that follows from the question and the events
 * alone.
 */
export interface OwnMeta extends Exactness {
  readonly source: "rollup" | "events" | "mixed";
  /** How many rows the answer has, and how many more there are. */
  readonly rows?: number;
  readonly rowsLeftOut?: number;
  /**
   * The range of the answer, its open ends closed around the events that met the question; absent
   * where there are none.
   */
  readonly range?: MetaRange;
  /** The range of the comparison. */
  readonly comparedRange?: MetaRange;
}

/** How complete and how fresh an answer is. */
export interface AnswerMeta extends OwnMeta {
  /** The instant (RFC 3339) up to which every accepted event is in the answer. */
  readonly asOf: string;
  /** How far `asOf` lies behind the moment of answering, milliseconds. */
  readonly lagMs: number;
  readonly cache: "hit" | "miss";
  readonly tookMs: number;
}
