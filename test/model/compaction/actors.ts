import { one, shownCounts, total, type Operation } from "../world.ts";
import type { Rules } from "./rules.ts";
import {
  absent,
  announced,
  batchName,
  bit,
  closed,
  isHeld,
  known,
  low,
  nothing,
  old,
  open,
  raised,
  silent,
  through,
  type Fold,
  type Form,
  type Processor,
  type Reader,
  type State,
  type Summing,
  type World,
} from "./world.ts";

type Step<A extends Summing> = Operation<A, State>;

const lacking = "an answer lacks no event acknowledged before the reader began";
const twice = "an answer holds no event twice";

const batchesOf = ({ batches }: World) => Array.from({ length: batches }, (_, batch) => batch);

/**
 * The steps of summing a minute. `first` is the number of the first step in the actor's program.
 */
function summing<A extends Summing>(world: World, rules: Rules, first: number): Step<A>[] {
  const readFold: Step<A> = ({ fold: { n, counts, names, going } }) => ({
    does: `reads fold ${n}: ${shownCounts(counts)}`,
    me: { ...nothing, n, counts, names, going } as Partial<A>,
  });
  const readDelta =
    (batch: number): Step<A> =>
    (s, me) => {
      const isOpen = s.deltas[batch] === open;
      const going = rules.sum === "passes over them" ? me.going : silent;
      const holds = isHeld(batch, { names: me.names, going });
      const found: Partial<Summing> = !isOpen
        ? {}
        : holds
          ? { held: me.held | bit(batch) }
          : { fresh: me.fresh | bit(batch), counts: me.counts + one(batch) };
      const form = !isOpen ? "nothing open" : holds ? "open, in the fold" : "open";
      return { does: `reads delta ${batchName(batch)}: ${form}`, me: found as Partial<A> };
    };
  const readAgain: Step<A> = ({ fold: { n } }, me) =>
    n === me.n
      ? { does: "reads the same number" }
      : { does: "reads another number, begins anew", me: nothing as Partial<A>, next: first };
  return [readFold, ...batchesOf(world).map(readDelta), readAgain];
}

function closeAll(s: State, bits: number, keeps: Form): readonly Form[] {
  return s.deltas.map((form, batch) => ((bits & bit(batch)) !== 0 && form === open ? keeps : form));
}

/**
 * The steps of counting the minute anew. `first` is the number of the first step in the program.
 */
function countingAnew<A extends Summing>(world: World, rules: Rules, first: number): Step<A>[] {
  const readFold: Step<A> = ({ fold: { n, names, going } }) => ({
    does: `reads fold ${n} to count anew`,
    me: { ...nothing, n, names, going } as Partial<A>,
  });
  const readDelta =
    (batch: number): Step<A> =>
    (s, me) => {
      const form = s.deltas[batch]!;
      const isFresh = form === open && !isHeld(batch, me);
      const found: Partial<Summing> = {
        known: form === absent ? me.known : me.known | bit(batch),
        ...(form === open &&
          (isFresh ? { fresh: me.fresh | bit(batch) } : { held: me.held | bit(batch) })),
      };
      return { does: `looks for delta ${batchName(batch)}`, me: found as Partial<A> };
    };
  const count: Step<A> = (s, me) => {
    const counts = total(batchesOf(world), (batch) => {
      const isGone =
        rules.anew === "batches that are gone too" && me.going === through && batch === old;
      return s.events[batch] === true && (isGone || (me.known & bit(batch)) !== 0) ? one(batch) : 0;
    });
    return { does: `counts ${shownCounts(counts)}`, me: { counts, known: 0 } as Partial<A> };
  };
  const closeHeld: Step<A> = (s, { held }) =>
    held === 0
      ? undefined
      : {
          does: "closes what the fold holds",
          store: { deltas: closeAll(s, held, closed) },
          me: { held: 0 } as Partial<A>,
        };
  const write: Step<A> = (s, me) => {
    if (s.fold.n !== me.n) {
      return { does: "finds another fold, begins anew", me: nothing as Partial<A>, next: first };
    }
    const going = rules.carries === "nothing" ? silent : me.going;
    const fold = { n: me.n + 1, counts: me.counts, names: me.fresh, going };
    return {
      does: `writes what it counted: ${shownCounts(me.counts)}`,
      store: { fold },
      me: { ...nothing, fresh: me.fresh } as Partial<A>,
    };
  };
  const closeFresh: Step<A> = (s, { fresh }) =>
    fresh === 0
      ? undefined
      : {
          does: "closes the deltas",
          store: { deltas: closeAll(s, fresh, closed) },
          me: nothing as Partial<A>,
        };
  return [readFold, ...batchesOf(world).map(readDelta), count, closeHeld, write, closeFresh];
}

/** The steps of a processor with a batch, for each delivery. */
export function processing(world: World, rules: Rules, batch: number): readonly Step<Processor>[] {
  const isYoung = (s: State) =>
    batch !== old || !s.isOld || (world.setBack === true && s.bound !== known);
  const sees = ({ fold: { going } }: State) => batch === old && going !== silent;
  const insertEvent: Step<Processor> = (s) => ({
    does: s.events[batch] === true ? "finds its event stored" : `stores ${shownCounts(one(batch))}`,
    store: { events: s.events.with(batch, true) },
    me: { isYoung: isYoung(s) },
  });
  const lookFirst: Step<Processor> = (s) =>
    rules.look === "before inserting its delta"
      ? { does: "looks at the fold", me: { saw: sees(s) } }
      : undefined;
  // A delta may be removed, so the processor looks for it in a step of its own.
  const insertDelta: Step<Processor> = (s) =>
    s.deltas[batch] === absent
      ? {
          does: `inserts the delta of ${batchName(batch)}`,
          store: { deltas: s.deltas.with(batch, open) },
        }
      : { does: `finds the delta of ${batchName(batch)}` };
  const anew = countingAnew<Processor>(world, rules, 6);
  const doneAt = 6 + anew.length;
  const lookAtAge: Step<Processor> = (s, me) => {
    const young = rules.age === "when it was received" ? me.isYoung : isYoung(s);
    return { does: young ? "is young" : "is old", ...(young && { next: doneAt }) };
  };
  const look: Step<Processor> = (s, me) => {
    const isLate =
      rules.look === "after inserting its delta"
        ? sees(s)
        : rules.look === "never"
          ? false
          : me.saw;
    const counts = isLate && rules.late === "counts anew";
    return {
      does: isLate ? "sees its batch compacted" : "sees nothing compacted",
      ...(!counts && { next: doneAt }),
    };
  };
  const acknowledge: Step<Processor> = (s) => ({
    does: `acknowledges ${batchName(batch)}`,
    store: { queue: s.queue.with(batch, 0) },
  });
  return [insertEvent, lookFirst, insertDelta, lookAtAge, look, ...anew, acknowledge];
}

/** The steps of a compactor, which removes A's old delta. */
export function compacting(world: World, rules: Rules): readonly Step<Summing>[] {
  // Where no clock is set, processors and compactors agree on what is old.
  const isBound = world.setBack === true && rules.bound !== "never";
  const raise: Step<Summing> = (s) =>
    isBound && s.bound === low ? { does: "raises the bound", store: { bound: raised } } : undefined;
  const wait: Step<Summing> = (s) =>
    isBound && rules.bound === "until all know" && s.bound !== known
      ? { does: "gives up, as not all know the bound", rest: true }
      : undefined;
  const announce: Step<Summing> = (s) => {
    if (rules.announce === "never" || s.fold.going !== silent) return undefined;
    const n = rules.number === "one more" ? s.fold.n + 1 : s.fold.n;
    return {
      does: "says that old deltas will go",
      store: { fold: { ...s.fold, n, going: announced } },
    };
  };
  const sum = summing<Summing>(world, rules, 4);
  const closeHeld: Step<Summing> = (s, { held }) =>
    held === 0
      ? undefined
      : { does: "closes what the fold holds", store: { deltas: closeAll(s, held, closed) } };
  const removeFirst: Step<Summing> = (s) =>
    rules.remove === "before the fold is written"
      ? { does: "removes the delta of A", store: { deltas: s.deltas.with(old, absent) } }
      : undefined;
  const write: Step<Summing> = (s, me) => {
    if (s.fold.n !== me.n) return { does: "finds another fold, gives up", rest: true };
    const fold: Fold = { n: me.n + 1, counts: me.counts, names: me.fresh, going: through };
    return {
      does: `writes fold ${fold.n}: ${shownCounts(me.counts)}`,
      store: { fold },
      me: { ...nothing, fresh: me.fresh },
    };
  };
  const closeFresh: Step<Summing> = (s, { fresh }) =>
    fresh === 0
      ? undefined
      : { does: "closes the deltas", store: { deltas: closeAll(s, fresh, closed) } };
  const remove: Step<Summing> = (s) => ({
    does: "removes the delta of A",
    store: { deltas: s.deltas.with(old, absent) },
  });
  return [raise, wait, announce, ...sum, closeHeld, removeFirst, write, closeFresh, remove];
}

/** The steps of an actor that counts the minute anew. */
export const recounting = (world: World, rules: Rules) => countingAnew<Summing>(world, rules, 1);

/** The steps of a reader that sums the minute. */
export function reading(world: World, rules: Rules): readonly Step<Reader>[] {
  const look: Step<Reader> = (s) => {
    const promised = total(s.queue, (left, batch) => (left === 0 ? one(batch) : 0));
    return { does: "begins", me: { promised } };
  };
  const answer: Step<Reader> = (_, { counts, promised }) => ({
    does: `answers ${shownCounts(counts)}, promised ${shownCounts(promised)}`,
    broken: (counts & 0b1010) !== 0 ? twice : (promised & ~counts) !== 0 ? lacking : undefined,
    rest: true,
  });
  return [look, ...summing<Reader>(world, rules, 2), answer];
}
