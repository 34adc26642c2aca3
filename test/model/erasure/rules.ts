/**
 * The rules by which an event is erased while batches are stored, summed and condensed without
 * transactions (lib/store/mongo/erase.ts, fences.ts, folds.ts). `rules` holds the right values;
 * every other value is a mistake, and the comment says what it breaks.
 *
 * - An eraser writes the fence, finds the event and notes it. It puts a tombstone in the event's
 *   place, and a delta where the event's batch has none. It counts the minute anew and marks it. It
 *   notes that the event is gone, and searches again.
 * - An actor that counts a minute anew reads the fold's number, the deltas that exist and the
 *   events of their batches. It writes the next fold, which holds these events and names the open
 *   deltas, and closes those deltas.
 * - A processor looks for the fence, inserts its events and looks again. It treats fenced events as
 *   the eraser does, with a note of its own that an eraser finds. It inserts its delta; where an
 *   erasure has inserted one before, or a delivery that owned other events of the batch, it counts
 *   the minute anew. It marks the minute and acknowledges.
 * - A delivery may find an event poisonous. It buries the event: it puts the event alone into a
 *   letter, as a message of the same batch, and goes on without it. The letter is replayed later.
 */
export interface Rules {
  /**
   * What remains of an erased event. "nothing": the next delivery of the batch inserts the event
   * again.
   */
  readonly left: "a tombstone" | "nothing";
  /**
   * When the eraser notes what it erases. "never": an eraser that continues after a crash finds
   * nothing to count anew.
   */
  readonly noted: "before it is touched" | "never";
  /**
   * What the eraser does where the batch has no delta yet. "left out": the delta comes later, and
   * counts the erased event.
   */
  readonly delta: "put in its place" | "left out";
  /**
   * What a processor does that finds a delta of an eraser. "acknowledges": the events that it
   * inserted since then are not counted.
   */
  readonly late: "counts anew" | "acknowledges";
  /**
   * What a processor does that finds a delta of other events of its batch. "acknowledges": the
   * event that its batch had left out before is not counted.
   */
  readonly joined: "counts anew" | "acknowledges";
  /**
   * The batch of a letter. "another": it finds the event stored by the batch that was left, which
   * has not counted it.
   */
  readonly buried: "its own" | "another";
  /** The events that are counted anew. "all": events whose delta is still to come count twice. */
  readonly counted: "of batches with deltas" | "all";
  /**
   * What a count anew reads first. "events, then deltas": a delta comes whose events did not exist
   * when the events were read.
   */
  readonly reads: "deltas, then events" | "events, then deltas";
  /** When a count anew replaces a fold. "always": an older count replaces a newer one. */
  readonly replace: "same number" | "always";
  /** The weight of a count anew. "as much": the rollup is not written again. */
  readonly weight: "one more" | "as much";
  /**
   * When the eraser marks the minute. "before counting": an aggregator that sums meanwhile clears
   * the mark. "never": nobody sums the minute.
   */
  readonly mark: "after counting" | "before counting" | "never";
  /**
   * When a processor looks for the fence. "before inserting alone": it inserts an event that no
   * eraser searches any more.
   */
  readonly look: "again after inserting" | "before inserting alone";
  /**
   * When the eraser writes the fence. "after the search": nobody finds an event that is stored in
   * between.
   */
  readonly fence: "before the search" | "after the search";
  /**
   * What a processor does with a fenced event. "takes it out": a delta that counts the event stays.
   */
  readonly fenced: "all that the eraser does" | "takes it out";
  /**
   * When a processor notes a fenced event. "never": an eraser finds nothing any more, and is done
   * before the minute is counted anew.
   */
  readonly fencedNoted: "before it is touched" | "never";
  /**
   * What an eraser searches first. "notes, then events": a note comes and its event goes before the
   * eraser searches for events.
   */
  readonly search: "events, then notes" | "notes, then events";
  /**
   * What is done before x is cut out of a dead letter. "nothing": an event that a delivery stored
   * stays, since no delivery takes it out any more.
   */
  readonly letter: "what a delivery would do" | "nothing";
  /**
   * When a processor looks for erased events in dead letters by itself. "always": it takes an event
   * out before the eraser finds it, which is done before the minute is counted anew.
   */
  readonly sweep: "when the erasure is done" | "always";
}

export const rules: Rules = {
  left: "a tombstone",
  noted: "before it is touched",
  delta: "put in its place",
  late: "counts anew",
  joined: "counts anew",
  buried: "its own",
  counted: "of batches with deltas",
  reads: "deltas, then events",
  replace: "same number",
  weight: "one more",
  mark: "after counting",
  look: "again after inserting",
  fence: "before the search",
  fenced: "all that the eraser does",
  fencedNoted: "before it is touched",
  search: "events, then notes",
  letter: "what a delivery would do",
  sweep: "when the erasure is done",
};
