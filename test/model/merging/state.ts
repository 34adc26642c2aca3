/**
 * A world with segment 0, of batch A with the events x and y, and segment 1, of batch B with the
 * event z. Both are built, and are merged into a bundle. Sealing itself is another model. Sets of
 * segments and of events are bits.
 */
export interface World {
  readonly mergers: 1 | 2;
  readonly reader: boolean;
  /** Whether y comes when A comes again: until then it is not stored. */
  readonly again?: true;
  /** Whether x is erased. */
  readonly erases?: true;
  /** Whether x is dropped, because it is too old. */
  readonly drops?: true;
  /** Whether the bundle is there already, with both segments closed. */
  readonly merged?: true;
  /** Whether no actor crashes: for mistakes that show without a crash. */
  readonly steady?: true;
}

export const whole =
  "when all is quiet, the bundle holds each stored event of its segments once, and nothing else";
export const low =
  "an answer lacks no event acknowledged before the reader began and not being erased";
export const twice = "no answer holds an event twice";
export const back = "no answer holds what was erased before the reader began";

/** The columns of a segment or a bundle, as a reader has seen them. */
export interface Seen {
  readonly content: number;
  readonly isMarked: boolean;
  /** Whether its version is still the one that was seen. */
  readonly isCurrent: boolean;
}
export interface Segment {
  readonly content: number;
  readonly isMarked: boolean;
  /** Whether no bundle stands for it. */
  readonly isOpen: boolean;
  /** Whether it is not built while events of its batch are dropped. */
  readonly isResting?: true;
}
export interface Bundle {
  readonly segments: number;
  /** The events in its columns; `undefined` until they are built. */
  readonly content?: number;
  /** Whether the columns may have been removed, since a segment of it was built anew. */
  readonly isGone?: true;
}
export interface Merger {
  readonly at: number;
  /** Whether nobody has taken the bundle since this merger did. */
  readonly isMine: boolean;
  /** The segments that it has read unmarked, and those of them with the version that it read. */
  readonly built: number;
  readonly same: number;
  readonly content: number;
}
/** Who builds a segment. */
export interface Builder {
  readonly at: number;
  readonly n: number;
  /** Whether the segment's mark is still the one that was read. */
  readonly isSame: boolean;
  readonly content: number;
}
/** Who sees that A was announced again. */
export interface Sealer {
  readonly at: number;
  /** Whether the announcement is still the one that was read. */
  readonly isSame: boolean;
}
export interface Reader {
  readonly at: number;
  readonly promised: number;
  readonly forbidden: number;
  readonly isAnnounced: boolean;
  readonly segments: readonly (Seen | null)[];
  readonly bundle: (Pick<Seen, "content" | "isCurrent"> & Pick<Bundle, "segments">) | null;
  /** The segments whose events must be read as rows. */
  readonly rows: number;
  /** The number of times that each event was found: two bits for each. */
  readonly counts: number;
}

export interface State {
  readonly stored: number;
  /** Whether the message of A is on the queue, and whether A is announced. */
  readonly isQueued: boolean;
  readonly isAnnounced: boolean;
  readonly segments: readonly Segment[];
  readonly bundle: Bundle | null;
  /** The events that were acknowledged. */
  readonly owed: number;
  readonly processor: number;
  readonly sealer: Sealer;
  readonly builder: Builder;
  readonly mergers: readonly Merger[];
  readonly eraser: number;
  readonly dropper: number;
  readonly reader: Reader;
}

export const [x, y, z] = [0, 1, 2];
export const eventsOf = [[x, y], [z]] as const;
export const bit = (index: number) => 1 << index;
export const has = (set: number, index: number) => (set & bit(index)) !== 0;
export const counted = (events: number) =>
  [x, y, z].reduce((sum, event) => sum + (has(events, event) ? 1 << (2 * event) : 0), 0);
export const setOf = (events: readonly number[]) => events.reduce((set, one) => set | bit(one), 0);
export const eventsIn = (segments: number) =>
  setOf([0, 1].flatMap((n) => (has(segments, n) ? eventsOf[n]! : [])));
export const nameOf = (event: number) => "xyz".charAt(event);

export const both = 0b11;
export const idleMerger: Merger = { at: 0, isMine: false, built: 0, same: 0, content: 0 };
export const idleBuilder: Builder = { at: 0, n: 0, isSame: false, content: 0 };
export const idleSealer: Sealer = { at: 0, isSame: false };
export const idleReader: Reader = {
  at: 0,
  promised: 0,
  forbidden: 0,
  isAnnounced: false,
  segments: [null, null],
  bundle: null,
  rows: 0,
  counts: 0,
};
