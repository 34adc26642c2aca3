/**
 * The rules by which an event that breaks its schema is put into quarantine, patched, replayed and
 * erased (docs/protocol.md). `rules` holds the right values; every other value is a mistake, and
 * the comment says what it breaks.
 */
export interface Rules {
  /**
   * Where an event in quarantine is kept. "in a place of its own": the verdicts of two deliveries
   * are both carried out.
   */
  readonly place: "in place of the stored one" | "in a place of its own";
  /**
   * Which events a batch counts. "what it finds well": an earlier delivery may have stored an event
   * that this one finds broken.
   */
  readonly counts: "what it stored" | "what it finds well";
  /**
   * Which delivery writes the note by which an event in quarantine is found. "who inserted it":
   * that delivery may die before it writes the note.
   */
  readonly note: "every delivery" | "who inserted it";
  /**
   * When a processor checks the fences again. "before noting": the eraser finds nothing, and the
   * note comes afterwards.
   */
  readonly fence: "after noting" | "before noting";
  /**
   * Where the batch that brings an event out is recorded. "made by each replay": each replay has
   * its own batch, and a patch comes between two replays.
   */
  readonly replay: "named in its place" | "made by each replay";
  /**
   * When the message of a replay is published. "before naming": the message finds another batch
   * named, or none, and has no effect.
   */
  readonly publish: "after naming" | "before naming";
  /**
   * What happens to a patch while the event comes out. "taken": the event comes out without the
   * patch.
   */
  readonly patch: "refused" | "taken";
  /**
   * Whether a replayed event is checked against its schema. "checked": the event stays in
   * quarantine, though the replay was answered with success.
   */
  readonly replayed: "not checked" | "checked";
  /**
   * What an erasure leaves in the event's place. "nothing": the batch is delivered again, and
   * brings the event back.
   */
  readonly erased: "a tombstone" | "nothing";
  /**
   * Where an erasure looks first. "among the stored ones": the event comes out between the two
   * looks.
   */
  readonly looks: "in quarantine" | "among the stored ones";
  /**
   * Which document is replaced where an event in quarantine is changed. "whatever is there": also
   * an event that came out meanwhile, or was erased.
   */
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
