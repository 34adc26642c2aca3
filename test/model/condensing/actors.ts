import { one, shownCounts, type Actor, type Operation } from "../world.ts";
import type { Rules } from "./rules.ts";
import {
  absent,
  batchName,
  bit,
  closed,
  marked,
  nothing,
  open,
  tellBatches,
  type Aggregator,
  type Form,
  type Processor,
  type Reader,
  type State,
  type Summing,
  type World,
} from "./world.ts";

type Step<A extends Actor> = Operation<A, State>;

export const low = "an answer lacks no event acknowledged before the reader began";
export const high = "an answer holds no event twice";

/** The steps of a processor with a batch that it owns, once for each delivery. */
export function processing(batch: number): readonly Step<Processor>[] {
  const insert: Step<Processor> = (s) => {
    if (s.deltas[batch] !== absent) return undefined;
    return {
      does: `inserts the delta ${shownCounts(one(batch))}`,
      store: { deltas: s.deltas.with(batch, open) },
    };
  };
  const mark: Step<Processor> = (s) => ({ does: "marks", store: { mark: marked(s) } });
  const acknowledge: Step<Processor> = (s) => ({
    does: `acknowledges ${batchName(batch)}`,
    store: { queue: s.queue.with(batch, 0) },
  });
  return [insert, mark, acknowledge];
}

/** The steps that sum a minute; they begin at number `first` of the program. */
function summing<A extends Summing>(
  { batches }: World,
  rules: Rules,
  first: number,
): readonly Step<A>[] {
  const readFold: Step<A> = ({ fold: { n, v, counts, names } }, me) => {
    const weight = rules.weight === "one" ? Math.min(v, 1) : v;
    return {
      does: `reads fold ${n}: ${shownCounts(counts)}`,
      me: { n, names, v: me.v + weight, counts: me.counts + counts } as Partial<A>,
    };
  };
  const readDelta =
    (batch: number): Step<A> =>
    (s, me) => {
      // A closed delta stays as it is.
      if (s.deltas[batch] === closed) return undefined;
      const isOpen = s.deltas[batch] === open;
      const isNamed = (me.names & bit(batch)) !== 0;
      const found: Partial<Summing> = !isOpen
        ? {}
        : isNamed
          ? { held: me.held | bit(batch) }
          : { fresh: me.fresh | bit(batch), v: me.v + 1, counts: me.counts + one(batch) };
      const form = isOpen ? (isNamed ? "open, in the fold" : "open") : "nothing open";
      return { does: `reads delta ${batchName(batch)}: ${form}`, me: found as Partial<A> };
    };
  const readAgain: Step<A> = ({ fold: { n } }, me) => {
    if (rules.check === "none") return undefined;
    if (n === me.n) return { does: "reads the same number", me: { names: 0 } as Partial<A> };
    return { does: `reads number ${n}, begins anew`, me: nothing as Partial<A>, next: first };
  };
  const deltas = Array.from({ length: batches }, (_, batch) => readDelta(batch));
  return rules.reading === "fold, then deltas"
    ? [readFold, ...deltas, readAgain]
    : [...deltas, readFold, readAgain];
}

/** The steps of an aggregator after it has read the mark. */
export function aggregating(world: World, rules: Rules): readonly Step<Aggregator>[] {
  const sum = summing<Aggregator>(world, rules, 1);
  const end = sum.length + 3 + 2 * world.batches;

  const write: Step<Aggregator> = (s, me) => {
    const isNewer = me.v > s.version;
    return {
      does: isNewer ? `writes rollup ${shownCounts(me.counts)}` : "need not write",
      store: isNewer ? { version: me.v, rollup: me.counts } : {},
      // Without new deltas there is nothing to condense.
      ...(me.fresh === 0 && { me: nothing, next: end }),
    };
  };

  const close =
    (batch: number, which: "fresh" | "held"): Step<Aggregator> =>
    (s, me) => {
      if ((me[which] & bit(batch)) === 0 || s.deltas[batch] !== open) return undefined;
      if (which === "held" && rules.held === "left") return undefined;
      const form: Form = rules.closed === "nothing" ? absent : closed;
      return {
        does: `closes delta ${batchName(batch)}`,
        store: { deltas: s.deltas.with(batch, form) },
      };
    };

  const fold: Step<Aggregator> = (s, { n, v, counts, fresh }) => {
    const isWritten = rules.replace === "always" || s.fold.n === n;
    const names = rules.names === "none" ? 0 : fresh;
    const number = rules.number === "one more" ? n + 1 : tellBatches(fresh).length;
    const isClosing = isWritten || rules.closing === "everyone";
    return {
      does: isWritten
        ? `writes fold ${number}: ${shownCounts(counts)}, names ${tellBatches(names)}`
        : "finds another fold",
      store: isWritten ? { fold: { n: number, v, counts, names } } : {},
      me: { ...nothing, fresh: isClosing ? fresh : 0 },
      ...(!isClosing && { next: end }),
    };
  };

  const clear: Step<Aggregator> = (s, me) => {
    const clears = s.mark === me.nonce;
    return {
      does: clears ? "clears the mark" : "leaves the new mark",
      store: clears ? { mark: 0 } : {},
    };
  };

  const closing = (which: "fresh" | "held") =>
    Array.from({ length: world.batches }, (_, batch) => close(batch, which));
  const condense =
    rules.order === "fold before closing"
      ? [...closing("held"), fold, ...closing("fresh")]
      : [...closing("held"), ...closing("fresh"), fold];
  return [...sum, write, ...condense, clear];
}

/** The steps of a reader that counts the minute. */
export function reading(world: World, rules: Rules): readonly Step<Reader>[] {
  const sum = summing<Reader>(world, rules, 3);
  const answer = (does: string, counts: number, promised: number) => {
    const isTwice = (counts & 0b101010) !== 0;
    return {
      does: `${does} ${shownCounts(counts)}, promised ${shownCounts(promised)}`,
      broken: isTwice ? high : (promised & ~counts) !== 0 ? low : undefined,
      rest: true,
    };
  };
  const look: Step<Reader> = (s) => {
    const isMarked = s.mark !== 0;
    const promised = s.queue.reduce((bits, left, i) => (left === 0 ? bits | one(i) : bits), 0);
    return {
      does: `sees the minute ${isMarked ? "marked" : "unmarked"}`,
      me: { promised },
      next: isMarked ? 3 : 2,
    };
  };
  const takeRollup: Step<Reader> = (s, { promised }) =>
    answer("answers the rollup", s.rollup, promised);
  const takeSum: Step<Reader> = (_, { counts, promised }) =>
    answer("answers the sum", counts, promised);
  return [look, takeRollup, ...sum, takeSum];
}
