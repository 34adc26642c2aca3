import { one, total, type Actor, type Counts } from "../world.ts";

/**
 * A minute, and the batches A, B, C with one event each: x, y, z. Which events a batch owns is the
 * subject of `../world.ts`.
 */
export interface World {
  readonly batches: 1 | 2 | 3;
  readonly processors: 1 | 2;
  readonly aggregators: 1 | 2;
  readonly reader: boolean;
}

export const absent = 0;
export const open = 1;
/** A delta whose cells are in the fold alone. */
export const closed = 2;
export type Form = typeof absent | typeof open | typeof closed;

export interface Fold {
  /** The number of the fold; 0 where there is none yet. */
  readonly n: number;
  readonly v: number;
  readonly counts: Counts;
  /** The deltas that the fold names, one bit each. */
  readonly names: number;
}

export interface State {
  /** For each batch: 1 where its message is not acknowledged yet. */
  readonly queue: readonly number[];
  readonly deltas: readonly Form[];
  readonly fold: Fold;
  /** The nonce of the minute's mark; 0 where the minute has no mark. */
  readonly mark: number;
  readonly version: number;
  readonly rollup: Counts;
  readonly processors: readonly Processor[];
  readonly aggregators: readonly Aggregator[];
  readonly reader: Reader;
}

export interface Processor extends Actor {
  readonly batch: number;
}

/** An actor that sums, and what it has read so far. */
export interface Summing extends Actor {
  readonly n: number;
  readonly names: number;
  readonly v: number;
  readonly counts: Counts;
  /** The open deltas that the fold does not name, one bit each; after them those that it names. */
  readonly fresh: number;
  readonly held: number;
}

export interface Aggregator extends Summing {
  readonly nonce: number;
}

export interface Reader extends Summing {
  /** The events that an answer must hold. */
  readonly promised: Counts;
}

export const nothing = { n: 0, names: 0, v: 0, counts: 0, fresh: 0, held: 0 } as const;

export const idle = {
  processor: { at: 0, batch: 0 },
  aggregator: { at: 0, nonce: 0, ...nothing },
  reader: { at: 0, promised: 0, ...nothing },
} as const satisfies Record<string, Processor | Aggregator | Reader>;

export const bit = (index: number) => 1 << index;

export const batchName = (batch: number) => "ABC".charAt(batch);

/** Names the batches of a set of bits. */
export const tellBatches = (bits: number) =>
  [..."ABC"].filter((_, index) => (bits & bit(index)) !== 0).join("") || "none";

/** The sum of all deltas that were ever inserted, whether they are closed or open. */
export function inserted({ deltas, queue }: State): Counts {
  return total(deltas, (form, batch) => (form !== absent || queue[batch] === 0 ? one(batch) : 0));
}

/** The sum of the fold and of the open deltas that it does not name. */
export function standing({ deltas, fold }: State): Counts {
  const beside = total(deltas, (form, batch) =>
    form === open && (fold.names & bit(batch)) === 0 ? one(batch) : 0,
  );
  return fold.counts + beside;
}

/** The mark with a new nonce, which no mark and no aggregator holds. */
export const marked = ({ mark, aggregators }: State) =>
  1 + Math.max(mark, ...aggregators.map(({ nonce }) => nonce));
