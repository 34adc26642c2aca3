/**
 * The rules by which what is older than it is kept goes away (lib/store/retention.ts). Every other value is a mistake,
 * and the comment says what it breaks.
 */
export interface Rules {
  /** What becomes of events below an announced floor. Stored as ever: what minutes were counted from is gone or goes. */
  readonly inflow: "refused" | "stored";
  /** When a floor is sealed: once nobody is at work who did not know of it, and no bucket below it is marked. */
  readonly waitsFor: "work and marks" | "marks" | "work";
  /** When events, deltas and rollups below a floor are dropped. At once: what is marked is still to be summed. */
  readonly drops: "once sealed" | "once announced";
  /** How a reader takes marks below a sealed floor. As others: it sums what was dropped. */
  readonly marks: "passed over" | "heeded";
  /** When who counts a minute anew looks for the floor. Before alone: what it counts is dropped meanwhile. */
  readonly recount: "after counting" | "before counting";
  /** When a rollup is written. Always: a late mark sums the little that is left. */
  readonly write: "where it weighs more" | "always";
}

export const rules: Rules = {
  inflow: "refused",
  waitsFor: "work and marks",
  drops: "once sealed",
  marks: "passed over",
  recount: "after counting",
  write: "where it weighs more",
};
