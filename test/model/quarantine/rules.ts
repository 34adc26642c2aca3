/**
 * The rules by which an event that breaks its schema is kept apart, patched, replayed and erased (docs/protocol.md). `rules`
 * holds the right values; every other value is a mistake, and the comment says what it breaks.
 */
export interface Rules {
  /** Where an event is kept apart. In a place of its own: the verdicts of two deliveries are both carried out. */
  readonly place: "in place of the stored one" | "in a place of its own";
  /** What a batch counts. What it finds well: an earlier delivery stored what this one finds broken. */
  readonly counts: "what it stored" | "what it finds well";
  /** Who notes that an event is kept apart. Who inserted it: it may die before, and the event is found by nobody. */
  readonly note: "every delivery" | "who inserted it";
  /** When a processor looks for a fence again. Before it notes: the eraser finds nothing, and the note comes after it. */
  readonly fence: "after noting" | "before noting";
  /** Where the batch stands by which an event comes out. Nowhere: each replay has its own, and a patch comes between. */
  readonly replay: "named in its place" | "made by each replay";
  /** When the message of a replay is published. Before its batch is named: it finds another batch named, or none, and is gone. */
  readonly publish: "after naming" | "before naming";
  /** What becomes of a patch while the event comes out. It is taken: the event comes out without it. */
  readonly patch: "refused" | "taken";
  /** Whether a replayed event is held against its schema. It is: it stays, though somebody was told that it comes out. */
  readonly replayed: "not checked" | "checked";
  /** What an erasure leaves. Nothing: the batch is delivered again. */
  readonly erased: "a tombstone" | "nothing";
  /** Where an erasure looks first. Among the stored ones: the event comes out between the two looks. */
  readonly looks: "in quarantine" | "among the stored ones";
  /** What takes the place of an event in quarantine. Whatever is there by now: also of one that came out, or is gone. */
  readonly replaces: "what was read" | "whatever is there";
}

export const rules: Rules = {
  place: "in place of the stored one",
  counts: "what it stored",
  note: "every delivery",
  fence: "after noting",
  replay: "named in its place",
  publish: "after naming",
  patch: "refused",
  replayed: "not checked",
  erased: "a tombstone",
  looks: "in quarantine",
  replaces: "what was read",
};
