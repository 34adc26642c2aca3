/**
 * The rules of the counting protocol, in the order in which they act. `rules` holds the protocol's
 * values; every other value is a mistake that looks harmless, and the comment says what it breaks.
 *
 * - A processor, for each delivery of a message: insert the absent events under the batch's id; find
 *   out which events it owns; insert the absent delta of each minute; mark each minute; acknowledge.
 * - An aggregator, for each marked bucket: read the mark; sum; write the rollup, but not of a minute with
 *   few deltas that has none; mark the parent; clear the mark.
 * - A reader: look at the marks; take the rollup where none was seen, else each minute's rollup, or the
 *   deltas of one that is marked or has no rollup.
 */
export interface Rules {
  /** Who names a batch. Under an id made for each delivery, what a crashed one stored belongs to no other. */
  readonly batchId: "fixed before publishing" | "made by the processor";
  /**
   * Which events of its message a delta counts. What this delivery inserted: not what a crashed one had
   * inserted before it. The whole message: a shared event counts twice.
   */
  readonly owned: "stored under this batch" | "inserted now" | "the whole message";
  /**
   * How a batch reaches the rollup. An increment is repeated on redelivery; guarded by a delta that was
   * not there before, it is lost in a crash between the two.
   */
  readonly counting: "sum of deltas" | "increment" | "guarded increment";
  /** What a delivery marks. Only what it inserted itself: not what a crashed one had inserted before it. */
  readonly marking: "every bucket" | "new deltas only";
  /**
   * What a mark carries. A counter begins anew once the mark is cleared, so a new mark looks like an old
   * one. A mark left as it stands does not tell the aggregator that a delta came after its sum.
   */
  readonly nonce: "always new" | "counter" | "kept while it stands";
  /** When the message is acknowledged. Before the mark: a crash leaves a delta that nobody sums. */
  readonly acknowledge: "after marking" | "before marking";
  /** When a sum replaces the rollup. Always: a slow aggregator overwrites a newer sum. */
  readonly write: "greater version" | "always";
  /**
   * What becomes of the rollup that a minute with few deltas has: an earlier version wrote one for each
   * minute. Left as it is: it lacks what came since.
   */
  readonly standing: "replaced" | "left";
  /**
   * What an hour takes of a minute. Its rollup alone: few deltas are nowhere. Both: what is rolled up
   * counts twice.
   */
  readonly summing: "rollup, else deltas" | "rollup alone" | "rollup and deltas";
  /** What a minute without a rollup weighs in its hour. Nothing: a sum with more of it is no newer one. */
  readonly weight: "its deltas" | "nothing";
  /** What a reader takes of a minute without a mark. Its rollup alone: few deltas are in no answer. */
  readonly unmarked: "rollup, else deltas" | "rollup alone";
  /** When the parent is marked. Only on change: not by who comes after one that crashed in between. */
  readonly markParent: "always" | "where the write changed";
  /** In which order. After the child is cleared: a crash in between leaves a parent that nobody sums. */
  readonly parentMarked: "before the child is cleared" | "after the child is cleared";
  /** When a mark is cleared. Always: also one that was set after the sum. */
  readonly clear: "same nonce" | "always";
  /**
   * How a reader looks. Coarsest marks first: one moves from child to parent between the two looks. The
   * bucket's own mark alone: a child's is missed. The rollup before the marks: it is older than they are.
   */
  readonly reading:
    "finest marks first" | "coarsest marks first" | "own mark alone" | "rollup first";
}

export const rules: Rules = {
  batchId: "fixed before publishing",
  owned: "stored under this batch",
  counting: "sum of deltas",
  marking: "every bucket",
  nonce: "always new",
  acknowledge: "after marking",
  write: "greater version",
  standing: "replaced",
  summing: "rollup, else deltas",
  weight: "its deltas",
  unmarked: "rollup, else deltas",
  markParent: "always",
  parentMarked: "before the child is cleared",
  clear: "same nonce",
  reading: "finest marks first",
};
