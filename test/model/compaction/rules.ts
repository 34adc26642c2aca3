/**
 * The rules by which deltas are removed whose batches come no more, but for what takes days
 * (lib/store/mongo/compact.ts). `rules` holds the right values; every other value is a mistake, and the comment says what it
 * breaks.
 */
export interface Rules {
  /** When the fold says of which batches the deltas will go. Never: a delta that comes while they are summed is in no sum. */
  readonly announce: "before summing" | "never";
  /** Whether that changes the fold's number. It does not: who counts the minute anew meanwhile takes it back. */
  readonly number: "one more" | "the same";
  /** When deltas are removed. Before the fold holds them: they are nowhere. */
  readonly remove: "once the fold says so" | "before the fold is written";
  /** What a sum takes of deltas that are gone by the fold. All that is there: a late repeat inserts its delta again. */
  readonly sum: "passes over them" | "takes them";
  /** When a processor looks whether its batch is compacted. Before its delta is there: it may be announced between the two. */
  readonly look: "after inserting its delta" | "before inserting its delta" | "never";
  /** When a batch is taken to be too young to be compacted. When it was received: it grows old until its delta is there. */
  readonly age: "after inserting its delta" | "when it was received";
  /** What a processor does for a batch that is compacted. Nothing: events that nobody stored before are in no sum. */
  readonly late: "counts anew" | "nothing";
  /** Whose events are counted anew. Of batches with deltas alone: what is compacted is lost. */
  readonly anew: "batches that are gone too" | "batches with deltas";
  /** What a count anew says of deltas that are gone. Nothing: a late repeat's delta counts once more. */
  readonly carries: "what the fold says" | "nothing";
}

export const rules: Rules = {
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
