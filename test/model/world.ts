import type { Rules } from "./rules.ts";

/** How large a system the model explores. Small ones suffice: two of each actor, three events. */
export interface World {
  /** The minute each event falls into, 0 or 1. Events are called x, y, z. */
  readonly events: readonly number[];
  /** What each batch message holds, as indexes of events. Batches are called A, B. */
  readonly messages: readonly (readonly number[])[];
  /** How often each was published: more than once where a confirm was lost. */
  readonly copies: readonly number[];
  readonly minutes: 1 | 2;
  /** Whether the minutes have an hour above them. */
  readonly hour: boolean;
  /** A minute with fewer deltas gets no rollup. */
  readonly few: number;
  /** Messages that an earlier version counted before, and wrote rollups of. */
  readonly counted: readonly number[];
  readonly processors: 1 | 2;
  readonly aggregators: 1 | 2;
  /**
   * Whether someone asks for the count of the whole range, and what is promised: the events whose
   * owner was acknowledged before, or those in any batch acknowledged before. The protocol promises
   * the first.
   */
  readonly reader: "none" | "owner acknowledged" | "any batch acknowledged";
}

/**
 * What a delta, a rollup or an answer holds: how often each event is counted in it, one digit in base 4
 * for each. They add as numbers do, and a total that is right by luck alone is still told apart.
 */
export type Counts = number;

/** The store, the queue, and what each actor remembers. */
export interface State {
  /** Copies of each message that are not yet acknowledged. */
  readonly queue: readonly number[];
  /** The batch that owns each event; 0 where it is not stored. Batch ids begin at 1. */
  readonly events: readonly number[];
  /** At `(batch - 1) * minutes + minute`; 0 where there is none. */
  readonly deltas: readonly Counts[];
  /** The nonce of each bucket's mark; 0 where there is none. */
  readonly marks: readonly number[];
  /** How many deltas each bucket's rollup sums. */
  readonly versions: readonly number[];
  readonly rollups: readonly Counts[];
  readonly processors: readonly Processor[];
  readonly aggregators: readonly Aggregator[];
  readonly reader: Reader;
  /** Batch ids that processors made, where it is they who make them. */
  readonly made: number;
}

/** An actor: its next operation is number `at` of its program, from 1; 0 is at rest. */
export interface Actor {
  readonly at: number;
}

export interface Processor extends Actor {
  readonly message: number;
  /** The id it stamps with. */
  readonly batch: number;
  readonly owned: Counts;
  /** Minutes whose delta this delivery itself inserted, a bit for each, where a rule asks. */
  readonly fresh: number;
}

export interface Aggregator extends Actor {
  readonly bucket: number;
  readonly nonce: number;
  /** The sum so far. */
  readonly v: number;
  readonly counts: Counts;
  /** Whether its write replaced the rollup, where a rule asks. */
  readonly changed: boolean;
  /** Whether the minute whose part of the hour is being summed has no rollup. */
  readonly bare: boolean;
}

export interface Reader extends Actor {
  /** What is still to be found. */
  readonly promised: Counts;
  /** Buckets seen marked, a bit for each. */
  readonly marked: number;
  /** The rollup, where it was read before the marks. */
  readonly held: Counts;
}

export const idle = {
  processor: { at: 0, message: 0, batch: 0, owned: 0, fresh: 0 },
  aggregator: { at: 0, bucket: 0, nonce: 0, v: 0, counts: 0, changed: false, bare: false },
  reader: { at: 0, promised: 0, marked: 0, held: 0 },
} as const satisfies Record<string, Processor | Aggregator | Reader>;

/**
 * One atomic operation on the store or the queue, by an actor. `undefined` where it has nothing to do,
 * also where it is an insert that finds the document there: no document is removed, so a step of its
 * own would show nothing new.
 */
export type Operation<A extends Actor, S = State> = (s: S, me: A) => Effect<A, S> | undefined;

interface Effect<A extends Actor, S = State> {
  /** What happened, as a verb: `marks m1`. */
  readonly does: string;
  readonly store?: Partial<S>;
  readonly me?: Partial<A>;
  /** The number of the operation that comes next, where it is not the following one. */
  readonly next?: number;
  /** The program ends here. */
  readonly rest?: boolean;
  /** The property that this broke. */
  readonly broken?: string | undefined;
}

/** The next step of a program: the first operation from `me.at` on that has something to do. The last one always has. */
export function take<A extends Actor, S = State>(
  program: readonly Operation<A, S>[] = [],
  s: S,
  me: A,
  rest: A,
  then: (effect: Effect<A, S>, after: A) => void,
): void {
  for (let at = me.at; at <= program.length; at++) {
    const effect = program[at - 1]?.(s, me);
    if (effect === undefined) continue;
    const next = effect.next ?? at + 1;
    const ends = effect.rest === true || next > program.length;
    then(effect, ends ? rest : { ...me, ...effect.me, at: next });
    return;
  }
}

/** The marks with a new one on this bucket. A nonce is new if no mark and no aggregator holds it. */
export function marked(s: State, bucket: number, nonce: Rules["nonce"]): readonly number[] {
  const standing = s.marks[bucket] ?? 0;
  if (nonce === "kept while it stands" && standing !== 0) return s.marks;
  if (nonce === "counter") return s.marks.with(bucket, standing + 1);
  const held = s.aggregators.map((each) => (each.bucket === bucket ? each.nonce : 0));
  return s.marks.with(bucket, 1 + Math.max(standing, ...held));
}

export function total<T>(items: readonly T[], value: (item: T, index: number) => number): number {
  return items.reduce((sum, item, index) => sum + value(item, index), 0);
}

/** The counts of one event. */
export const one = (event: number): Counts => 1 << (2 * event);

/** The counts of the events that a batch owns; of all stored ones where no batch is given. */
export function stored(s: State, batch?: number): Counts {
  return total(s.events, (owner, event) =>
    owner !== 0 && (batch === undefined || owner === batch) ? one(event) : 0,
  );
}

/** The sum of a minute's deltas; nothing for the hour, which has none of its own. */
export function sumDeltas(world: World, s: State, bucket: number): Counts {
  return total(s.deltas, (delta, index) => (index % world.minutes === bucket ? delta : 0));
}

/** The counts of all events of the world that fall into a bucket. */
export function within(world: World, bucket: number): Counts {
  return total(world.events, (minute, event) =>
    bucket === world.minutes || minute === bucket ? one(event) : 0,
  );
}

export const minutesOf = (world: World) => (world.minutes === 1 ? [0] : [0, 1]);

/** Minutes are buckets 0 and 1; the hour comes after the last minute. Finest first. */
export const bucketsOf = (world: World) =>
  world.hour ? [...minutesOf(world), world.minutes] : minutesOf(world);

export const bucketName = (world: World, bucket: number) =>
  bucket === world.minutes ? "hour" : `m${bucket + 1}`;

export const messageName = (message: number) => "AB".charAt(message);

export const shownCounts = (counts: Counts) =>
  `{${[..."xyz"].map((name, event) => name.repeat((counts >> (2 * event)) & 3)).join("")}}`;
