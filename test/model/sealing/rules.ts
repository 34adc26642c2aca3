/**
 * The rules by which batches become segments of columns (lib/store/mongo/segments). The first value
 * of each rule is right; every other value is a mistake, and the comment says what it breaks.
 */
export interface Rules {
  /**
   * When a batch is announced. "before its events": the batch is sealed without its events. "once
   * it is acknowledged": after a crash in between nobody seals the batch or reads it.
   */
  readonly announce: "once it is stored" | "before its events" | "once it is acknowledged";
  /**
   * What happens to an announcement that exists already. "left as it is": the sealer that has
   * claimed it removes it, and events that came meanwhile are in no segment.
   */
  readonly standing: "renewed" | "left as it is";
  /**
   * What a sealer reads first. "announced first": another sealer claims the batches meanwhile, and
   * they are claimed twice.
   */
  readonly look: "head first" | "announced first";
  /**
   * What happens to an announced batch that a segment contains. "claimed again": the batch is in
   * two segments. "forgotten": events that came after the sealing are in no segment.
   */
  readonly named: "segment built anew" | "claimed again" | "forgotten";
  /**
   * When a claim is made. "always": it replaces another claim, whose batches are then in no
   * segment.
   */
  readonly claim: "where none was made" | "always";
  /** When an announcement is removed. "before the segment": in between a reader finds neither. */
  readonly removal: "after the segment" | "before the segment";
  /**
   * Which announcement of a batch is removed. "any": a newer announcement with more events is lost.
   */
  readonly removes: "the one that was claimed" | "any";
  /**
   * When columns are published after they were built. "where nothing was marked since" is right;
   * "always": they contain events that were erased meanwhile.
   */
  readonly publish: "where nothing was marked since" | "always";
  /**
   * When an eraser marks the segments. "before the tombstone": columns are built with the event in
   * between.
   */
  readonly mark: "after the tombstone" | "before the tombstone" | "never";
  /** The key under which columns are cached. "segment": the cache keeps erased events. */
  readonly version: "segment and version" | "segment";
  /**
   * Under what a reader keeps the events of an announced batch. "nonce": what is kept has events
   * that were erased. "mark": what is kept lacks events that came with a newer announcement.
   */
  readonly batchKey: "nonce and mark" | "nonce" | "mark";
  /**
   * What a reader reads first. "manifest first": a batch that is sealed in between is in neither.
   */
  readonly read: "announced first" | "manifest first";
  /**
   * What a reader does with a marked segment. "passed over": the answer lacks the segment's events.
   */
  readonly marked: "read as rows" | "passed over";
  /**
   * What a reader does with a segment that contains an announced batch. "read as columns": the
   * columns lack events that came after the sealing.
   */
  readonly again: "read as rows" | "read as columns";
  /**
   * What a reader does with columns whose version is gone. "passed over": the answer lacks their
   * events.
   */
  readonly gone: "read as rows" | "passed over";
  /**
   * Whether a processor notes an event that it takes out because of a fence. "not noted": the
   * eraser finds no event, and is done before the segment is marked.
   */
  readonly fenced: "noted" | "not noted";
  /**
   * For how long a new segment is not built, since events of its batches may be dropped just then:
   * whoever drops them may die before the segment is marked. "never", "as was read before": it is
   * put after the segments were marked the first time. "until none is seen to rest": somebody else
   * has removed the announcement that would tell.
   */
  readonly rest:
    | "until its announcements are seen not to rest"
    | "never"
    | "as was read before"
    | "until none is seen to rest";
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
  batchKey: "nonce and mark",
  read: "announced first",
  marked: "read as rows",
  again: "read as rows",
  gone: "read as rows",
  fenced: "noted",
  rest: "until its announcements are seen not to rest",
};
