/**
 * The rules by which an event is erased while batches are stored, summed and condensed without transactions
 * (lib/store/mongo/erase.ts, fences.ts, folds.ts), as `../rules.ts` has those of counting. Every other value is a
 * mistake, and the comment says what it breaks.
 *
 * - An eraser: write the fence; find the event; note it; put a tombstone in its place; put a delta where its batch has
 *   none; count the minute anew; mark it; note that it is gone; look again.
 * - To count anew: read the fold's number; which deltas there are; the events of their batches; write the next fold, which
 *   holds these events and names the open deltas; close those.
 * - A processor: look for the fence; insert; look again, and of what is fenced off do what the eraser does, with a note
 *   of its own that an eraser finds; insert the delta; where an erasure was there first, count anew; mark; acknowledge.
 */
export interface Rules {
  /** What is left of an erased event. Nothing: the batch's next delivery inserts it again. */
  readonly left: "a tombstone" | "nothing";
  /** When it is noted what is being erased. Never: who comes after a crash finds nothing to count anew. */
  readonly noted: "before it is touched" | "never";
  /** What is done where the batch has no delta yet. Nothing: its delta comes later, and counts what is gone. */
  readonly delta: "put in its place" | "left out";
  /** What a processor does that finds such a delta. Nothing: what it inserted since then is not counted. */
  readonly late: "counts anew" | "acknowledges";
  /** Which events are counted anew. All: also those whose delta is still to come, which count twice. */
  readonly counted: "of batches with deltas" | "all";
  /** In which order. Events first: a delta comes whose events were not there when they were read. */
  readonly reads: "deltas, then events" | "events, then deltas";
  /** When the count replaces a fold. Always: an older count replaces a newer one. */
  readonly replace: "same number" | "always";
  /** How much it weighs. As much as before: the rollup is not written again. */
  readonly weight: "one more" | "as much";
  /** When the minute is marked. Before it is counted: whoever sums meanwhile clears the mark. Never: nobody sums. */
  readonly mark: "after counting" | "before counting" | "never";
  /** When a processor looks for the fence. Before alone: it inserts what nobody looks for any more. */
  readonly look: "again after inserting" | "before inserting alone";
  /** In which order. The fence last: what is stored between is found by nobody. */
  readonly fence: "before the search" | "after the search";
  /** What a processor does with what is fenced off. Takes it out alone: a delta that counts it stays. */
  readonly fenced: "all that the eraser does" | "takes it out";
  /** When it notes that. Never: an eraser that finds nothing any more is done before the minute is counted anew. */
  readonly fencedNoted: "before it is touched" | "never";
  /** What an eraser looks for first. Notes: one comes, and its event goes, before it looks for events. */
  readonly search: "events, then notes" | "notes, then events";
}

export const rules: Rules = {
  left: "a tombstone",
  noted: "before it is touched",
  delta: "put in its place",
  late: "counts anew",
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
};
