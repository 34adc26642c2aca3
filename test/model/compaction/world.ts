import { one, total, type Actor, type Counts } from "../world.ts";

/**
 * A world with one minute, and with batches A and B of one event each: x and y. A grows old, B does
 * not. Rollups and marks are the subject of `../condensing`; here readers sum the minute.
 */
export interface World {
  readonly batches: 1 | 2;
  readonly processors: 1 | 2;
  readonly compactors: 1 | 2;
  /** Whether an actor may count the minute anew at any time. */
  readonly recounter: boolean;
  readonly reader: boolean;
  /** Whether A, which a compactor takes for old, is young by the clock of every processor. */
  readonly setBack?: boolean;
}

export const absent = 0;
export const open = 1;
/** The delta's cells are only in the fold. */
export const closed = 2;
export type Form = typeof absent | typeof open | typeof closed;

/** The batch that grows old. */
export const old = 0;

/**
 * What a fold says of old batches: nothing, that their deltas are about to be removed, or that it
 * holds all of their deltas.
 */
export const silent = 0;
export const announced = 1;
export const through = 2;
export type Going = typeof silent | typeof announced | typeof through;

export const low = 0;
export const raised = 1;
export const known = 2;
export type Bound = typeof low | typeof raised | typeof known;

export interface Fold {
  /** The fold's number; 0 while there is no fold. */
  readonly n: number;
  readonly counts: Counts;
  /** The deltas that the fold names, a bit for each. */
  readonly names: number;
  readonly going: Going;
}

export interface State {
  /** For each batch, 1 while its message is not acknowledged. */
  readonly queue: readonly number[];
  /** Whether each batch's event is stored. */
  readonly events: readonly boolean[];
  readonly deltas: readonly Form[];
  readonly fold: Fold;
  /** Whether A is old enough to be compacted. */
  readonly isOld: boolean;
  /** Whether the bound says that A may be compacted, and whether every processor knows that. */
  readonly bound: Bound;
  readonly processors: readonly Processor[];
  readonly compactors: readonly Summing[];
  readonly recounter: Summing;
  readonly reader: Reader;
}

/** An actor that sums or counts, and the values that it has read so far. */
export interface Summing extends Actor {
  readonly n: number;
  readonly names: number;
  readonly counts: Counts;
  readonly going: Going;
  /** The open deltas that the fold does not hold, and those that it holds; a bit for each. */
  readonly fresh: number;
  readonly held: number;
  /** The batches whose deltas were found, a bit for each. */
  readonly known: number;
}

export interface Processor extends Summing {
  readonly batch: number;
  /** Whether the processor took its batch for young. */
  readonly isYoung: boolean;
  /**
   * Whether the processor saw its batch compacted before it inserted the delta; only a mistake uses
   * it.
   */
  readonly saw: boolean;
}

export interface Reader extends Summing {
  /** The events that the answer must count. */
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

/** Whether a fold holds a delta, so that a reader passes over the delta itself. */
export function isHeld(batch: number, { names, going }: Pick<Fold, "names" | "going">): boolean {
  return (names & bit(batch)) !== 0 || (going === through && batch === old);
}

/** The sum of the fold and of the open deltas that the fold does not hold. */
export function standing({ deltas, fold }: Pick<State, "deltas" | "fold">): Counts {
  const beside = total(deltas, (form, batch) =>
    form === open && !isHeld(batch, fold) ? one(batch) : 0,
  );
  return fold.counts + beside;
}

export const storedEvents = ({ events }: Pick<State, "events">): Counts =>
  total(events, (isStored, batch) => (isStored ? one(batch) : 0));
