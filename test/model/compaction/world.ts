import { one, total, type Actor, type Counts } from "../world.ts";

/**
 * A minute, and batches A, B with an event each: x, y. A grows old, B does not. Rollups and marks are
 * the subject of `../condensing`: here whoever reads sums.
 */
export interface World {
  readonly batches: 1 | 2;
  readonly processors: 1 | 2;
  readonly compactors: 1 | 2;
  /** Whether somebody counts the minute anew, whenever it likes. */
  readonly recounter: boolean;
  readonly reader: boolean;
}

export const absent = 0;
export const open = 1;
/** Its cells are in the fold alone. */
export const closed = 2;
export type Form = typeof absent | typeof open | typeof closed;

/** The batch that grows old. */
export const old = 0;

/** What a fold says of old batches: nothing, that their deltas will go, that it holds them all. */
export const silent = 0;
export const announced = 1;
export const through = 2;
export type Going = typeof silent | typeof announced | typeof through;

export interface Fold {
  /** 0 where there is none yet. */
  readonly n: number;
  readonly counts: Counts;
  /** The deltas it names, a bit for each. */
  readonly names: number;
  readonly going: Going;
}

export interface State {
  /** 1 where the batch's message is not acknowledged yet. */
  readonly queue: readonly number[];
  /** Whether each batch's event is stored. */
  readonly events: readonly boolean[];
  readonly deltas: readonly Form[];
  readonly fold: Fold;
  /** Whether A is so old that it may be compacted. */
  readonly isOld: boolean;
  readonly processors: readonly Processor[];
  readonly compactors: readonly Summing[];
  readonly recounter: Summing;
  readonly reader: Reader;
}

/** Who sums or counts, and what was read so far. */
export interface Summing extends Actor {
  readonly n: number;
  readonly names: number;
  readonly counts: Counts;
  readonly going: Going;
  /** Open deltas that the fold does not hold, and those that it holds; a bit for each. */
  readonly fresh: number;
  readonly held: number;
  /** Batches whose deltas were there, a bit for each. */
  readonly known: number;
}

export interface Processor extends Summing {
  readonly batch: number;
  /** Whether it took its batch to be young. */
  readonly isYoung: boolean;
  /** Whether it saw its batch compacted before it inserted the delta, where a rule asks. */
  readonly saw: boolean;
}

export interface Reader extends Summing {
  /** What an answer must hold. */
  readonly promised: Counts;
}

export const nothing = {
  n: 0,
  names: 0,
  counts: 0,
  going: silent,
  fresh: 0,
  held: 0,
  known: 0,
} as const;

const summing: Summing = { at: 0, ...nothing };
export const idle = {
  processor: { ...summing, batch: 0, isYoung: false, saw: false },
  summing,
  reader: { ...summing, promised: 0 },
} as const satisfies Record<string, Processor | Summing | Reader>;

export const bit = (index: number) => 1 << index;
export const batchName = (batch: number) => "AB".charAt(batch);

/** Whether a fold that was read holds a delta, so that what is there of it is passed over. */
export function isHeld(batch: number, { names, going }: Pick<Fold, "names" | "going">): boolean {
  return (names & bit(batch)) !== 0 || (going === through && batch === old);
}

/** What the fold and the open deltas that it does not hold add up to. */
export function standing({ deltas, fold }: Pick<State, "deltas" | "fold">): Counts {
  const beside = total(deltas, (form, batch) =>
    form === open && !isHeld(batch, fold) ? one(batch) : 0,
  );
  return fold.counts + beside;
}

export const storedEvents = ({ events }: Pick<State, "events">): Counts =>
  total(events, (isStored, batch) => (isStored ? one(batch) : 0));
