/**
 * The rules by which small segments of columns are merged into bundles (lib/store/mongo/segments).
 * The first value of each rule is right; every other value is a mistake, and the comment says what
 * it breaks.
 */
export interface Rules {
  /**
   * What a merger reads first. "events first": a segment is built anew in between, and counts as
   * merged with events that it has no more.
   */
  readonly look: "segments first" | "events first";
  /**
   * When a bundle's columns are published. "always": a slow merger replaces what another one has
   * read later.
   */
  readonly publish: "where nobody has taken the bundle since" | "always";
  /**
   * The segments of a bundle. "those that are built": a reader that has seen the other ones closed
   * finds them nowhere.
   */
  readonly names: "named once" | "those that are built";
  /** When segments are closed. "before the columns are there": in between they are nowhere. */
  readonly close: "after the columns are there" | "before the columns are there";
  /**
   * Which segments are closed. "of any version": the segment was built anew meanwhile. "marked or
   * not": it lost events meanwhile.
   */
  readonly closes: "those that are as they were read" | "of any version" | "marked or not";
  /** What a mark does with a closed segment. "leaves it closed": the bundle has erased events. */
  readonly mark: "opens it" | "leaves it closed";
  /**
   * Whether a segment that is built again is open. "closes it": the bundle has the former events.
   */
  readonly built: "leaves it open" | "closes it";
  /** What a reader reads first. "bundles first": a segment is merged in between. */
  readonly read: "open segments first" | "bundles first";
  /**
   * What a reader does with a bundle that has an open segment. "read as columns": the bundle has
   * erased events. "read beside them": what its open segments have is there twice. "passed over": the
   * answer lacks its closed segments.
   */
  readonly opened: "its segments are read" | "read as columns" | "read beside them" | "passed over";
  /**
   * What a reader does with a bundle of a segment that contains an announced batch. "read as
   * columns": the columns lack events that came after the sealing.
   */
  readonly again: "its segments are read" | "read as columns";
  /**
   * What a reader does with a bundle whose version is gone. "passed over": the answer lacks its
   * events.
   */
  readonly gone: "read as rows" | "passed over";
}

export const rules: Rules = {
  look: "segments first",
  publish: "where nobody has taken the bundle since",
  names: "named once",
  close: "after the columns are there",
  closes: "those that are as they were read",
  mark: "opens it",
  built: "leaves it open",
  read: "open segments first",
  opened: "its segments are read",
  again: "its segments are read",
  gone: "read as rows",
};
