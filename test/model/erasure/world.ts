import { one, total, type Actor, type Counts } from "../world.ts";

/**
 * A minute. Batch A holds the event x, which is erased, and y where it holds two; batch B holds z.
 */
export interface World {
  /** The number of events that batch A holds. */
  readonly events: 1 | 2;
  readonly batches: 1 | 2;
  readonly processors: 1 | 2;
  /** Where there is none, the model checks what a sum would be. */
  readonly aggregators: 0 | 1;
  /** Whether aggregators condense what they summed. */
  readonly condenses: boolean;
  /** Where there is none, nothing is erased. */
  readonly erasers: 0 | 1 | 2;
  readonly reader: boolean;
  /** Whether x is fenced: then it may not be stored later either. */
  readonly fence: boolean;
  /** Whether the message of A may become a dead letter, out of which x is cut. */
  readonly letters?: true;
  /** Whether a delivery of A may find y poisonous. */
  readonly poison?: true;
}

export const x = 0;
export const y = 1;
/** The events of each batch. */
export const membersOf = (world: World): readonly (readonly number[])[] => [
  world.events === 1 ? [x] : [x, y],
  [2],
];
export const batchName = (batch: number) => "AB".charAt(batch);

/** The forms of a message that is not acknowledged: A's may die, and be without x. */
export const waiting = 1;
export const dead = 2;
export const cut = 3;

export const absent = 0;
export const stored = 1;
export const tombstone = 2;

export const open = 1;
/** A delta whose cells are in the fold alone. */
export const closed = 2;

export interface Delta {
  readonly form: typeof absent | typeof open | typeof closed;
  readonly counts: Counts;
  /** Whether an erasure inserted the delta. */
  readonly anew: boolean;
}

export interface Fold {
  /** The number of the fold; 0 where there is none yet. */
  readonly n: number;
  readonly v: number;
  readonly counts: Counts;
  /** The deltas that the fold names, one bit each. */
  readonly names: number;
}

/** The noted progress of the erasure. */
export const newJob = 0;
export const begun = 1;
export const found = 2;
export const done = 3;

export interface State {
  /** For each batch: the form of its message, 0 where it is acknowledged. */
  readonly queue: readonly number[];
  readonly events: readonly number[];
  readonly deltas: readonly Delta[];
  readonly fold: Fold;
  readonly mark: number;
  readonly version: number;
  readonly rollup: Counts;
  readonly fence: boolean;
  /** Whether a processor has noted that it takes x out. */
  readonly note: boolean;
  /** Whether there is a letter of y alone. */
  readonly buried: boolean;
  readonly job: number;
  /** Whether an event had been erased or fenced when the job was done. */
  readonly isGone: boolean;
  readonly processors: readonly Processor[];
  readonly aggregators: readonly Aggregator[];
  readonly erasers: readonly Eraser[];
  readonly reader: Reader;
}

/** An actor that sums or counts, and what it has read so far. */
export interface Summing extends Actor {
  readonly n: number;
  readonly names: number;
  readonly v: number;
  readonly counts: Counts;
  /** The open deltas that the fold does not name, one bit each; after them those that it names. */
  readonly fresh: number;
  readonly held: number;
  /** The batches whose deltas existed, one bit each. */
  readonly known: number;
}

/**
 * What a processor works on, besides batches: the letter; the message of A without x; A where y is
 * poisonous; and the letter of y.
 */
export const letter = 2;
export const cutMessage = 3;
export const poisoned = 4;
export const buriedMessage = 5;

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
  /** The events that an answer must hold. */
  readonly promised: Counts;
  /** Whether the answer must not hold x. */
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

/** The events that exist, each once. */
export function standingEvents({ events }: Pick<State, "events">): Counts {
  return total(events, (form, event) => (form === stored ? one(event) : 0));
}

/** The sum of the fold and of the open deltas that it does not name. */
export function standing({ deltas, fold }: Pick<State, "deltas" | "fold">): Counts {
  const beside = total(deltas, ({ form, counts }, batch) =>
    form === open && (fold.names & bit(batch)) === 0 ? counts : 0,
  );
  return fold.counts + beside;
}

/** The mark with a new nonce, which no mark and no aggregator holds. */
export const marked = ({ mark, aggregators }: State) =>
  1 + Math.max(mark, ...aggregators.map(({ nonce }) => nonce));
