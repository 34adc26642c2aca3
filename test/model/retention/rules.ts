/**
 * The rules by which data older than its retention is dropped (lib/store/retention.ts). `rules`
 * holds the right values; every other value is a mistake, and the comment says what it breaks.
 */
export interface Rules {
  /**
   * What a processor does with events below an announced floor. "stored": their minutes are counted
   * from data that is dropped.
   */
  readonly inflow: "refused" | "stored";
  /**
   * What the sealing of a floor waits for: for actors that began without knowing the floor, and for
   * marks of buckets below it. Where it waits for one of the two alone, something is dropped that
   * is still to be summed.
   */
  readonly waitsFor: "work and marks" | "marks" | "work";
  /**
   * When events, deltas and rollups below a floor are dropped. "once announced": marked buckets are
   * still to be summed.
   */
  readonly drops: "once sealed" | "once announced";
  /** How a reader treats marks below a sealed floor. "heeded": it sums data that was dropped. */
  readonly marks: "passed over" | "heeded";
  /**
   * When an actor that counts a minute anew looks for the floor. "before counting": the data that
   * it counts is dropped meanwhile.
   */
  readonly recount: "after counting" | "before counting";
  /**
   * How a batch counts that comes into a minute whose old deltas were compacted, and of which events
   * of other types may be gone. "counts anew": those are gone from the counts. "stores alone": its
   * own event is. "adds what it brings": a repeat counts twice.
   */
  readonly late: "adds what it stores" | "counts anew" | "stores alone" | "adds what it brings";
  /** When a rollup is written. "always": a late mark leads to a sum of the little that remains. */
  readonly write: "where it weighs more" | "always";
}

export const rules: Rules = {
  inflow: "refused",
  waitsFor: "work and marks",
  drops: "once sealed",
  marks: "passed over",
  recount: "after counting",
  late: "adds what it stores",
  write: "where it weighs more",
};
