import { one, shownCounts, type Actor, type Counts, type Operation } from "../world.ts";
import {
  bit,
  closed,
  done,
  membersOf,
  nothing,
  open,
  batchName,
  x,
  type Aggregator,
  type Reader,
  type State,
  type Summing,
  type World,
} from "./world.ts";

/** A step of an actor in this model. */
export type Step<A extends Actor> = Operation<A, State>;

const low = "an answer lacks no event acknowledged before the reader began";
const high = "an answer holds no event twice, nor one whose erasure was done before";

/** Closes a delta that the actor has read as one of a kind. */
export function closing<A extends Summing>(which: "fresh" | "held", batch: number): Step<A> {
  return (s, me) => {
    const delta = s.deltas[batch]!;
    if ((me[which] & bit(batch)) === 0 || delta.form !== open) return undefined;
    return {
      does: `closes delta ${batchName(batch)}`,
      store: { deltas: s.deltas.with(batch, { ...delta, form: closed }) },
    };
  };
}

/** The steps that sum a minute, as in the model of condensing. */
function summing<A extends Summing>(world: World, first: number): readonly Step<A>[] {
  const readFold: Step<A> = ({ fold: { n, v, counts, names } }) => ({
    does: `reads fold ${n}: ${shownCounts(counts)}`,
    me: { ...nothing, n, v, counts, names } as Partial<A>,
  });
  const readDelta =
    (batch: number): Step<A> =>
    (s, me) => {
      const { form, counts } = s.deltas[batch]!;
      if (form !== open) return form === closed ? undefined : { does: "reads no delta" };
      const isNamed = (me.names & bit(batch)) !== 0;
      const change: Partial<Summing> = isNamed
        ? { held: me.held | bit(batch) }
        : { fresh: me.fresh | bit(batch), v: me.v + 1, counts: me.counts + counts };
      return { does: `reads delta ${batchName(batch)}`, me: change as Partial<A> };
    };
  const readAgain: Step<A> = ({ fold: { n } }, me) =>
    n === me.n
      ? { does: "reads the same number", me: { names: 0 } as Partial<A> }
      : { does: "reads another number, begins anew", me: nothing as Partial<A>, next: first };
  const numbers = Array.from({ length: world.batches }, (_, batch) => batch);
  return [readFold, ...numbers.map(readDelta), readAgain];
}

export function aggregating(world: World): readonly Step<Aggregator>[] {
  const sum = summing<Aggregator>(world, 1);
  const numbers = Array.from({ length: world.batches }, (_, batch) => batch);
  const end = sum.length + 3 + 2 * numbers.length;
  const write: Step<Aggregator> = (s, me) => {
    const isNewer = me.v > s.version;
    return {
      does: isNewer ? `writes rollup ${shownCounts(me.counts)}` : "need not write",
      store: isNewer ? { version: me.v, rollup: me.counts } : {},
      ...((me.fresh === 0 || !world.condenses) && { me: nothing, next: end }),
    };
  };
  const fold: Step<Aggregator> = (s, { n, v, counts, fresh }) => {
    const isWritten = s.fold.n === n;
    return {
      does: isWritten ? `writes fold ${n + 1}: ${shownCounts(counts)}` : "finds another fold",
      store: isWritten ? { fold: { n: n + 1, v, counts, names: fresh } } : {},
      me: { ...nothing, fresh: isWritten ? fresh : 0 },
      ...(!isWritten && { next: end }),
    };
  };
  const clear: Step<Aggregator> = (s, me) => {
    const clears = s.mark === me.nonce;
    return {
      does: clears ? "clears the mark" : "leaves the new mark",
      store: clears ? { mark: 0 } : {},
    };
  };
  return [
    ...sum,
    write,
    ...numbers.map((batch) => closing<Aggregator>("held", batch)),
    fold,
    ...numbers.map((batch) => closing<Aggregator>("fresh", batch)),
    clear,
  ];
}

export function reading(world: World): readonly Step<Reader>[] {
  const sum = summing<Reader>(world, 3);
  const members = membersOf(world);
  const answer = (does: string, counts: Counts, { promised, isGone }: Reader) => {
    const isOver = (counts & 0b101010) !== 0 || (isGone && (counts & 3) !== 0);
    return {
      does: `${does} ${shownCounts(counts)}, promised ${shownCounts(promised)}`,
      broken: isOver ? high : (promised & ~counts) !== 0 ? low : undefined,
      rest: true,
    };
  };
  const look: Step<Reader> = (s) => {
    const isMarked = s.mark !== 0;
    const owed = s.queue.flatMap((left, batch) => (left === 0 ? members[batch]! : []));
    const promised = owed.reduce(
      (counts, event) => (event === x ? counts : counts | one(event)),
      0,
    );
    return {
      does: `sees the minute ${isMarked ? "marked" : "unmarked"}`,
      me: { promised, isGone: s.job === done && s.isGone },
      next: isMarked ? 3 : 2,
    };
  };
  return [
    look,
    (s, me) => answer("answers the rollup", s.rollup, me),
    ...sum,
    (_, me) => answer("answers the sum", me.counts, me),
  ];
}
