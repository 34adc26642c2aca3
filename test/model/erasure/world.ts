import { one, total, type Actor, type Counts } from "../world.ts";

/** A minute. Batch A holds x, which is erased, and y, where there are two; batch B holds z. */
export interface World {
  /** How many events A holds. */
  readonly events: 1 | 2;
  readonly batches: 1 | 2;
  readonly processors: 1 | 2;
  /** Without any it is checked what a sum would be. */
  readonly aggregators: 0 | 1;
  /** Whether they condense what they summed. */
  readonly condenses: boolean;
  readonly erasers: 1 | 2;
  readonly reader: boolean;
  /** Whether x is fenced off: then it may not come in later either. */
  readonly fence: boolean;
}

export const x = 0;
/** The events of the batches. */
export const membersOf = (world: World): readonly (readonly number[])[] => [
  world.events === 1 ? [x] : [x, 1],
  [2],
];
export const batchName = (batch: number) => "AB".charAt(batch);

export const absent = 0;
export const stored = 1;
export const tombstone = 2;

export const open = 1;
/** Its cells are in the fold alone. */
export const closed = 2;

export interface Delta {
  readonly form: typeof absent | typeof open | typeof closed;
  readonly counts: Counts;
  /** Whether an erasure put it there. */
  readonly anew: boolean;
}

export interface Fold {
  /** 0 where there is none yet. */
  readonly n: number;
  readonly v: number;
  readonly counts: Counts;
  /** The deltas it names, a bit for each. */
  readonly names: number;
}

/** How far the erasure is, as it was noted. */
export const newJob = 0;
export const begun = 1;
export const found = 2;
export const done = 3;

export interface State {
  /** 1 where the batch's message is not acknowledged yet. */
  readonly queue: readonly number[];
  readonly events: readonly number[];
  readonly deltas: readonly Delta[];
  readonly fold: Fold;
  readonly mark: number;
  readonly version: number;
  readonly rollup: Counts;
  readonly fence: boolean;
  /** A processor's note that it takes x out. */
  readonly note: boolean;
  readonly job: number;
  /** Whether anything was erased, or fenced off, when the job was done. */
  readonly isGone: boolean;
  readonly processors: readonly Processor[];
  readonly aggregators: readonly Aggregator[];
  readonly erasers: readonly Eraser[];
  readonly reader: Reader;
}

/** Who sums or counts, and what was read so far. */
export interface Summing extends Actor {
  readonly n: number;
  readonly names: number;
  readonly v: number;
  readonly counts: Counts;
  /** Open deltas that the fold does not name, and those that it names; a bit for each. */
  readonly fresh: number;
  readonly held: number;
  /** Batches whose deltas were there, a bit for each. */
  readonly known: number;
}

export interface Processor extends Summing {
  readonly batch: number;
  readonly owned: Counts;
  readonly isFenced: boolean;
}

export interface Aggregator extends Summing {
  readonly nonce: number;
}

export interface Eraser extends Summing {
  readonly sees: boolean;
}

export interface Reader extends Summing {
  /** What an answer must hold. */
  readonly promised: Counts;
  /** Whether it may not hold x. */
  readonly isGone: boolean;
}

export const nothing = { n: 0, names: 0, v: 0, counts: 0, fresh: 0, held: 0, known: 0 } as const;

export const idle = {
  processor: { at: 0, batch: 0, owned: 0, isFenced: false, ...nothing },
  aggregator: { at: 0, nonce: 0, ...nothing },
  eraser: { at: 0, sees: false, ...nothing },
  reader: { at: 0, promised: 0, isGone: false, ...nothing },
} as const satisfies Record<string, Processor | Aggregator | Eraser | Reader>;

export const bit = (index: number) => 1 << index;

/** The events that are there, each once. */
export function standingEvents({ events }: Pick<State, "events">): Counts {
  return total(events, (form, event) => (form === stored ? one(event) : 0));
}

/** What the fold and the open deltas that it does not name add up to. */
export function standing({ deltas, fold }: Pick<State, "deltas" | "fold">): Counts {
  const beside = total(deltas, ({ form, counts }, batch) =>
    form === open && (fold.names & bit(batch)) === 0 ? counts : 0,
  );
  return fold.counts + beside;
}

/** The mark with a new nonce: one that no mark and no aggregator holds. */
export const marked = ({ mark, aggregators }: State) =>
  1 + Math.max(mark, ...aggregators.map(({ nonce }) => nonce));
