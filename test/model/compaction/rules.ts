/**
 * The rules by which deltas of batches that will not come again are removed
 * (lib/store/mongo/compact.ts), without the rules about spans of days. `rules` holds the right
 * values; every other value is a mistake, and the comment says what it breaks.
 */
export interface Rules {
  /**
   * Whether all processes are told which batches may be compacted, before a fold says so. "never":
   * a processor whose clock was set back takes such a batch for young. "without a wait": a processor
   * that has not heard of it yet does.
   */
  readonly bound: "until all know" | "without a wait" | "never";
  /**
   * When the fold says which batches' deltas will be removed. "never": a delta that comes during
   * the summing is in no sum.
   */
  readonly announce: "before summing" | "never";
  /**
   * Whether that announcement changes the fold's number. "the same": an actor that counts the
   * minute anew meanwhile overwrites the announcement.
   */
  readonly number: "one more" | "the same";
  /** When deltas are removed. "before the fold is written": in between their cells are nowhere. */
  readonly remove: "once the fold says so" | "before the fold is written";
  /**
   * What a sum does with deltas that are gone by the fold. "takes them": a late repeat inserts its
   * delta again, and it counts twice.
   */
  readonly sum: "passes over them" | "takes them";
  /**
   * When a processor checks whether its batch is compacted. "before inserting its delta": the
   * compaction may be announced between the check and the insert.
   */
  readonly look: "after inserting its delta" | "before inserting its delta" | "never";
  /**
   * When a processor decides that a batch is too young to be compacted. "when it was received": the
   * batch may grow old before its delta is inserted.
   */
  readonly age: "after inserting its delta" | "when it was received";
  /**
   * What a processor does for a batch that is compacted. "nothing": events that were not stored
   * before are in no sum.
   */
  readonly late: "counts anew" | "nothing";
  /**
   * The batches whose events are counted anew. "batches with deltas": the events of compacted
   * batches are lost.
   */
  readonly anew: "batches that are gone too" | "batches with deltas";
  /**
   * What a count anew says of removed deltas. "nothing": the delta of a late repeat counts once
   * more.
   */
  readonly carries: "what the fold says" | "nothing";
}

export const rules: Rules = {
  bound: "until all know",
  announce: "before summing",
  number: "one more",
  remove: "once the fold says so",
  sum: "passes over them",
  look: "after inserting its delta",
  age: "after inserting its delta",
  late: "counts anew",
  anew: "batches that are gone too",
  carries: "what the fold says",
};
