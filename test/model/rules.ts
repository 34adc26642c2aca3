/**
 * The rules of the counting protocol (lib/store/protocol.ts), in the order in which they act.
 * `rules` holds the right values; every other value is a mistake, and the comment says what it
 * breaks.
 *
 * - A processor, for each delivery of a message, inserts the absent events under the batch's id. It
 *   finds out which events the batch owns, inserts the absent delta of each minute, marks each
 *   minute, and acknowledges.
 * - An aggregator, for each marked bucket, reads the mark, sums the bucket, and writes its rollup;
 *   it writes none for a minute of few deltas that has none. Then it marks the parent and clears
 *   the mark.
 * - A reader looks at the marks first. It takes the rollup of a bucket without marks. Else it takes
 *   each minute's rollup, or the deltas of a minute that is marked or has no rollup.
 */
export interface Rules {
  /**
   * Where a batch gets its id. "made by the processor": each delivery is another batch, so events
   * that a crashed delivery stored are in no delta.
   */
  readonly batchId: "fixed before publishing" | "made by the processor";
  /**
   * Which events of a message its deltas count. "inserted now": events that a crashed delivery
   * inserted are in no delta. "the whole message": an event of two messages counts twice.
   */
  readonly owned: "stored under this batch" | "inserted now" | "the whole message";
  /**
   * How a batch gets into the rollup. "increment": a redelivery adds the batch again. "guarded
   * increment": it is made only with a new delta, so a crash between delta and increment loses it.
   */
  readonly counting: "sum of deltas" | "increment" | "guarded increment";
  /**
   * Which buckets a delivery marks. "new deltas only": the deltas that a crashed delivery inserted
   * stay unmarked.
   */
  readonly marking: "every bucket" | "new deltas only";
  /**
   * The nonce of a mark. "counter": it begins anew once the mark is cleared, so a new mark equals
   * an old one. "kept while it stands": an aggregator does not notice deltas that came after its
   * sum.
   */
  readonly nonce: "always new" | "counter" | "kept while it stands";
  /**
   * When a message is acknowledged. "before marking": after a crash in between nobody sums the
   * delta.
   */
  readonly acknowledge: "after marking" | "before marking";
  /** When a sum replaces a rollup. "always": a slow aggregator overwrites a newer sum. */
  readonly write: "greater version" | "always";
  /**
   * What happens to the rollup of a minute with few deltas, which an earlier version wrote. "left":
   * the rollup lacks the deltas that came since.
   */
  readonly standing: "replaced" | "left";
  /**
   * What the sum of an hour takes of a minute. "rollup alone": few deltas are in no sum. "rollup
   * and deltas": the deltas of a minute with a rollup count twice.
   */
  readonly summing: "rollup, else deltas" | "rollup alone" | "rollup and deltas";
  /**
   * What a minute without a rollup adds to its hour's version. "nothing": an hour with more of its
   * deltas looks no newer, so it is not written.
   */
  readonly weight: "its deltas" | "nothing";
  /**
   * What a reader takes of a minute without a mark. "rollup alone": few deltas are in no answer.
   */
  readonly unmarked: "rollup, else deltas" | "rollup alone";
  /**
   * When an aggregator marks the parent. "where the write changed": after a crash the next
   * aggregator changes nothing, so it does not mark the parent.
   */
  readonly markParent: "always" | "where the write changed";
  /**
   * The order of marking the parent and clearing the child. "after the child is cleared": after a
   * crash in between nobody sums the parent.
   */
  readonly parentMarked: "before the child is cleared" | "after the child is cleared";
  /** When a mark is cleared. "always": a mark that was set after the sum is cleared too. */
  readonly clear: "same nonce" | "always";
  /**
   * The order in which a reader looks. "coarsest marks first": a mark moves from child to parent
   * between the two looks. "own mark alone": the mark of a child is missed. "rollup first": the
   * rollup is older than the marks.
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
