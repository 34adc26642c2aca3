/**
 * The rules by which the deltas of a minute are condensed without transactions
 * (lib/store/mongo/folds.ts). `rules` holds the right values; every other value is a mistake, and
 * the comment says what it breaks.
 *
 * - An actor that sums reads the fold, then the open deltas that the fold does not name, one by
 *   one. It reads the fold's number again, and begins anew where the number has changed.
 * - An actor that condenses what it summed closes the deltas that the fold names. It writes the
 *   next fold, which names the deltas that were summed beside the last fold, and closes those too.
 */
export interface Rules {
  /**
   * When deltas are closed. "closing before fold": an actor that dies in between has removed cells
   * that no fold holds.
   */
  readonly order: "fold before closing" | "closing before fold";
  /** The deltas that a fold names. "none": the deltas that are not closed yet count twice. */
  readonly names: "the last ones" | "none";
  /**
   * When a fold replaces the stored one. "always": a slow aggregator overwrites a fold that holds
   * more.
   */
  readonly replace: "same number" | "always";
  /**
   * The number of a fold. "how many deltas it names": the same number comes again, and a changed
   * fold looks unchanged.
   */
  readonly number: "one more" | "how many deltas it names";
  /**
   * What is done with named deltas that are still open. "left": they count twice, since the next
   * fold names others.
   */
  readonly held: "closed before the next fold" | "left";
  /**
   * The actor that closes the deltas it summed. "everyone": an actor that wrote no fold closes
   * deltas that no fold holds.
   */
  readonly closing: "who wrote the fold" | "everyone";
  /**
   * What remains of a closed delta. "nothing": a late repeat inserts the delta again, and it counts
   * twice.
   */
  readonly closed: "itself without cells" | "nothing";
  /**
   * What a fold adds to the version of a sum. "one": the version falls, and newer rollups are not
   * written.
   */
  readonly weight: "the deltas it holds" | "one";
  /**
   * What is read first. "deltas, then fold": a delta is read while it is open, and then a fold that
   * holds it and names others.
   */
  readonly reading: "fold, then deltas" | "deltas, then fold";
  /**
   * How an actor knows that the fold and the deltas belong together. "none": a delta is closed
   * after an older fold was read.
   */
  readonly check: "the number again" | "none";
}

export const rules: Rules = {
  order: "fold before closing",
  names: "the last ones",
  replace: "same number",
  number: "one more",
  held: "closed before the next fold",
  closing: "who wrote the fold",
  closed: "itself without cells",
  weight: "the deltas it holds",
  reading: "fold, then deltas",
  check: "the number again",
};
