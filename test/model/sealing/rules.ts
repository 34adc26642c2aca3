/**
 * The rules by which batches become segments of columns (lib/store/mongo/segments). Every other value is a mistake, and
 * the comment says what it breaks.
 */
export interface Rules {
  /** When a batch is announced. Before its events: it is sealed without them. Acknowledged first: a crash, and nobody seals or reads it. */
  readonly announce: "once it is stored" | "before its events" | "once it is acknowledged";
  /** What becomes of an announcement that stands already. As it is: who claimed it removes it, and what came since is in no segment. */
  readonly standing: "renewed" | "left as it is";
  /** What a sealer looks at first. At what is announced: that was claimed meanwhile. */
  readonly look: "head first" | "announced first";
  /** What becomes of an announced batch that a segment names. Claimed again: it is in two. Forgotten: what came since is in none. */
  readonly named: "segment built anew" | "claimed again" | "forgotten";
  /** When a claim is taken. Over another one: that one's batches are in no segment. */
  readonly claim: "where none was made" | "always";
  /** When an announcement goes. Before its segment is there: a reader sees neither. */
  readonly removal: "after the segment" | "before the segment";
  /** Which announcement of a batch goes. Any: one that tells of more goes unseen. */
  readonly removes: "the one that was claimed" | "any";
  /** When a segment that was built is published. Always: what was erased meanwhile is in it. */
  readonly publish: "where nothing was marked since" | "always";
  /** When who erases marks the segments. Before the tombstone: the event is read back in between. */
  readonly mark: "after the tombstone" | "before the tombstone" | "never";
  /** What columns stand under. Of the segment alone: who keeps them keeps what was erased. */
  readonly version: "segment and version" | "segment";
  /** What a reader looks at first. At the manifest: what is sealed in between is in neither. */
  readonly read: "announced first" | "manifest first";
  /** What a reader makes of a marked segment. */
  readonly marked: "read as rows" | "passed over";
  /** What a reader makes of a segment that names an announced batch. Its columns: they lack what came since. */
  readonly again: "read as rows" | "read as columns";
  /** What a reader makes of a version that is gone. */
  readonly gone: "read as rows" | "passed over";
  /** Whether a processor notes what it takes out because it is fenced off. Not: who erases finds nothing, and is done before the segment is marked. */
  readonly fenced: "noted" | "not noted";
}

export const rules: Rules = {
  announce: "once it is stored",
  standing: "renewed",
  look: "head first",
  named: "segment built anew",
  claim: "where none was made",
  removal: "after the segment",
  removes: "the one that was claimed",
  publish: "where nothing was marked since",
  mark: "after the tombstone",
  version: "segment and version",
  read: "announced first",
  marked: "read as rows",
  again: "read as rows",
  gone: "read as rows",
  fenced: "noted",
};
