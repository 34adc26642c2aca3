/**
 * The rules by which the deltas of a minute are condensed without transactions (lib/store/mongo/folds.ts), as
 * `../rules.ts` has those of counting. Every other value is a mistake, and the comment says what it breaks.
 *
 * - To sum: read the fold; read the open deltas, one by one, but those that the fold names; read the fold's number
 *   again, and begin anew where it has changed.
 * - To condense what was summed: close the deltas that the fold names; write the next fold, which names the deltas
 *   that were summed beside the last one; close those.
 */
export interface Rules {
  /** In which order. Who closes the deltas first and dies has removed cells that no fold holds. */
  readonly order: "fold before closing" | "closing before fold";
  /** Which deltas a fold names. Where it names none, those that are not closed yet count twice. */
  readonly names: "the last ones" | "none";
  /** When a fold replaces the stored one. Always: a slow aggregator overwrites one that holds more. */
  readonly replace: "same number" | "always";
  /** A fold's number. One that comes again tells nothing: a fold looks as if it had not changed. */
  readonly number: "one more" | "how many deltas it names";
  /** What becomes of named deltas that are open still. Left so, they count twice: the next fold names others. */
  readonly held: "closed before the next fold" | "left";
  /** Who closes what it summed. Also who wrote no fold: then no fold holds it. */
  readonly closing: "who wrote the fold" | "everyone";
  /** What is left of a closed delta. Nothing: a late repeat inserts it again, and it counts twice. */
  readonly closed: "itself without cells" | "nothing";
  /** What a fold adds to a sum's version. One: the version falls, and newer rollups are not written. */
  readonly weight: "the deltas it holds" | "one";
  /** What is read first. The deltas: a delta is read open, and then a fold that holds it and names others. */
  readonly reading: "fold, then deltas" | "deltas, then fold";
  /** How it is known that what was read stood together. It is not: a delta is closed after an older fold was read. */
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
