import { one, shownCounts, type Actor } from "../world.ts";
import type { Rules } from "./rules.ts";
import { closing, type Step } from "./summing.ts";
import {
  absent,
  newJob,
  batchName,
  begun,
  bit,
  buriedMessage,
  closed,
  cut,
  cutMessage,
  dead,
  done,
  found,
  letter,
  marked,
  membersOf,
  nothing,
  open,
  poisoned,
  stored,
  tombstone,
  x,
  y,
  type Eraser,
  type Processor,
  type State,
  type Summing,
  type World,
} from "./world.ts";

/** Makes a step that is taken only under a condition. */
function when<A extends Actor>(is: (s: State, me: A) => boolean, step: Step<A>): Step<A> {
  return (s, me) => (is(s, me) ? step(s, me) : undefined);
}

const mark: Step<Actor> = (s) => ({ does: "marks", store: { mark: marked(s) } });

/**
 * The steps that count a minute anew, as `foldAnew` does; they begin at number `first` of a
 * program.
 */
function counting<A extends Summing>(
  world: World,
  rules: Rules,
  first: number,
): readonly Step<A>[] {
  const { batches } = world;
  const members = membersOf(world);
  const numbers = Array.from({ length: batches }, (_, batch) => batch);
  const readFold: Step<A> = ({ fold: { n, v, names } }) => ({
    does: `reads the number of the fold, ${n}`,
    me: { ...nothing, n, v, names } as Partial<A>,
  });
  const readDeltas: Step<A> = (s, me) => {
    const bits = (is: (batch: number) => boolean) =>
      numbers.filter(is).reduce((sum, batch) => sum | bit(batch), 0);
    const isOpen = (batch: number) => s.deltas[batch]!.form === open;
    const isNamed = (batch: number) => (me.names & bit(batch)) !== 0;
    return {
      does: "reads which deltas there are",
      me: {
        known: bits((batch) => s.deltas[batch]!.form !== absent),
        fresh: bits((batch) => isOpen(batch) && !isNamed(batch)),
        held: bits((batch) => isOpen(batch) && isNamed(batch)),
        names: 0,
      } as Partial<A>,
    };
  };
  const readEvent =
    (batch: number, event: number): Step<A> =>
    (s, me) => {
      const isKnown = (me.known & bit(batch)) !== 0;
      if (rules.counted !== "all" && rules.reads === "deltas, then events" && !isKnown) {
        return undefined;
      }
      const isThere = s.events[event] === stored;
      return {
        does: `reads ${shownCounts(isThere ? one(event) : 0)}`,
        me: { counts: me.counts + (isThere ? one(event) : 0) } as Partial<A>,
      };
    };
  const readEvents = numbers.flatMap((batch) =>
    members[batch]!.map((event) => readEvent(batch, event)),
  );
  const write: Step<A> = (s, me) => {
    if (rules.replace === "same number" && s.fold.n !== me.n) {
      return { does: "finds another fold, begins anew", me: nothing as Partial<A>, next: first };
    }
    const ofKnown = numbers
      .filter((batch) => (me.known & bit(batch)) !== 0)
      .flatMap((batch) => members[batch]!)
      .reduce((counts, event) => counts | (3 << (2 * event)), 0);
    const counts = rules.counted === "all" ? me.counts : me.counts & ofKnown;
    const fresh = numbers.filter((batch) => (me.fresh & bit(batch)) !== 0).length;
    const v = me.v + fresh + (rules.weight === "one more" ? 1 : 0);
    return {
      does: `writes fold ${me.n + 1}: ${shownCounts(counts)}`,
      store: { fold: { n: me.n + 1, v, counts, names: me.fresh } },
      me: { ...nothing, fresh: me.fresh } as Partial<A>,
    };
  };
  const reads =
    rules.reads === "deltas, then events"
      ? [readFold, readDeltas, ...readEvents]
      : [readFold, ...readEvents, readDeltas];
  return [
    ...reads,
    ...numbers.map((batch) => closing<A>("held", batch)),
    write,
    ...numbers.map((batch) => closing<A>("fresh", batch)),
  ];
}

/** The steps that take x out, and those that follow from it. */
function erasing<A extends Summing>(world: World, rules: Rules, first: number): readonly Step<A>[] {
  const entomb: Step<A> = (s) => {
    if (s.events[x] !== stored) return undefined;
    const left = rules.left === "nothing" ? absent : tombstone;
    return { does: `takes ${shownCounts(one(x))} out`, store: { events: s.events.with(x, left) } };
  };
  const complete: Step<A> = (s) => {
    if (s.deltas[0]!.form !== absent || rules.delta === "left out") return undefined;
    return {
      does: "puts a delta for A",
      store: { deltas: s.deltas.with(0, { form: closed, counts: 0, anew: true }) },
    };
  };
  const marks = rules.mark === "before counting" ? [mark as Step<A>] : [];
  const head = [entomb, complete, ...marks];
  const count = counting<A>(world, rules, first + head.length);
  return [...head, ...count, ...(rules.mark === "after counting" ? [mark as Step<A>] : [])];
}

/** The steps that cut x out of the dead letter; they begin at number `first` of a program. */
export function cutting<A extends Summing>(
  world: World,
  rules: Rules,
  first: number,
): readonly Step<A>[] {
  const cutOut: Step<A> = (s) =>
    s.queue[0] === dead
      ? { does: "cuts x out of the letter", store: { queue: s.queue.with(0, cut) } }
      : { does: "finds the letter gone" };
  if (rules.letter === "nothing") return [cutOut];
  const erase = erasing<A>(world, rules, first + 1);
  const look: Step<A> = (s) =>
    s.events[x] === absent
      ? { does: "knows of no x", next: first + 1 + erase.length }
      : { does: "knows x" };
  return [look, ...erase, cutOut];
}

/** The events that a delivery of a batch stores: not those that were cut out, or are poisonous. */
function storedOf(world: World, message: number): readonly number[] {
  const members = membersOf(world);
  if (message === cutMessage) return members[0]!.filter((event) => event !== x);
  if (message === poisoned) return members[0]!.filter((event) => event !== y);
  return message === buriedMessage ? [y] : members[message]!;
}

/** @param message a batch, or one of the messages of A that hold a part of it */
export function processing(
  world: World,
  rules: Rules,
  message: number,
): readonly Step<Processor>[] {
  const batch = message > letter ? 0 : message;
  const events = storedOf(world, message);
  const holdsX = batch === 0 && world.fence && events.includes(x);

  const lookBefore: Step<Processor> = (s) => ({
    does: s.fence ? "sees the fence" : "sees no fence",
    me: { isFenced: s.fence },
  });
  const insert =
    (event: number): Step<Processor> =>
    (s, me) => {
      if (event === x && me.isFenced) return undefined;
      if (s.events[event] !== absent) return undefined;
      return {
        does: `inserts ${shownCounts(one(event))}`,
        store: { events: s.events.with(event, stored) },
        me: { owned: me.owned | one(event) },
      };
    };
  const own: Step<Processor> = (s, me) => {
    const there = events.filter((event) => s.events[event] === stored);
    const mine = there.filter((event) => event !== x || !me.isFenced);
    const owned = mine.reduce((counts, event) => counts | one(event), me.owned);
    return { does: `owns ${shownCounts(owned)}`, me: { owned } };
  };
  const putDelta: Step<Processor> = (s, me) => {
    const delta = s.deltas[batch]!;
    if (me.owned === 0) return undefined;
    if (delta.form !== absent) return undefined;
    return {
      does: `inserts the delta ${shownCounts(me.owned)}`,
      store: { deltas: s.deltas.with(batch, { form: open, counts: me.owned, anew: false }) },
      me: { owned: 0 },
    };
  };
  const isLetter = message === buriedMessage;
  const acknowledge: Step<Processor> = (s) => ({
    does: `acknowledges ${isLetter ? "the letter" : batchName(batch)}`,
    store: isLetter ? { buried: false } : { queue: s.queue.with(batch, 0) },
    rest: true,
  });
  const bury: Step<Processor> = (s) =>
    s.buried ? undefined : { does: "buries y", store: { buried: true } };
  const passOver: Step<Processor> = (s, me) =>
    s.events[y] === stored
      ? { ...acknowledge(s, me)!, does: "finds y of A, acknowledges the letter" }
      : undefined;

  const head: Step<Processor>[] = [];
  if (message === poisoned) head.push(bury);
  if (isLetter && rules.buried === "another") head.push(passOver);
  if (holdsX) head.push(lookBefore);
  head.push(...events.map(insert), own);
  if (holdsX) {
    const isSolo = rules.fenced === "takes it out";
    const at = head.length + 2;
    const note: Step<Processor> = (s) =>
      s.note || rules.fencedNoted === "never"
        ? undefined
        : { does: "notes it", store: { note: true } };
    const forget: Step<Processor> = (s) =>
      s.note ? { does: "takes the note away", store: { note: false } } : undefined;
    const steps = isSolo
      ? erasing<Processor>(world, rules, at).slice(0, 1)
      : [note, ...erasing<Processor>(world, rules, at + 1), forget];
    const next = at + steps.length;
    head.push((s, me) => {
      const isFenced = me.isFenced || (s.fence && rules.look === "again after inserting");
      const isThere = s.events[x] !== absent;
      return {
        does: isFenced ? "sees the fence again" : "goes on",
        me: { owned: isFenced ? me.owned & ~3 : me.owned, isFenced: false },
        ...((!isFenced || !isThere) && { next }),
      };
    });
    head.push(...steps);
  }
  const check: Step<Processor> = (s, me) => {
    const { anew, counts } = s.deltas[batch]!;
    const isLate = anew
      ? rules.late === "counts anew"
      : counts !== me.owned && rules.joined === "counts anew";
    const recounts = me.owned !== 0 && isLate;
    return {
      does: recounts ? `finds a delta of ${anew ? "an erasure" : "others"}` : "has its delta",
      me: { owned: 0 },
      ...(!recounts && { next: head.length + 3 + count.length }),
    };
  };
  const count = counting<Processor>(world, rules, head.length + 3);
  return [...head, putDelta, check, ...count, mark, acknowledge];
}

export function erasingJob(world: World, rules: Rules): readonly Step<Eraser>[] {
  const begin: Step<Eraser> = when(
    ({ job }) => job === newJob,
    () => ({
      does: "begins",
      store: { job: begun, ...(rules.fence === "before the search" && { fence: world.fence }) },
    }),
  );
  const searchEvents: Step<Eraser> = (s, me) => {
    if (s.job === found || me.sees) return undefined;
    const sees = s.events[x] === stored;
    return { does: sees ? `finds ${shownCounts(one(x))}` : "finds no event", me: { sees } };
  };
  const searchNotes: Step<Eraser> = (s, me) => {
    if (s.job === found || me.sees || !world.fence) return undefined;
    return { does: s.note ? "finds a note" : "finds no note", me: { sees: s.note } };
  };
  const search =
    rules.search === "events, then notes"
      ? [searchEvents, searchNotes]
      : [searchNotes, searchEvents];
  const note: Step<Eraser> = (s, me) => {
    if (s.job === found) return undefined;
    if (s.job === done) return { does: "finds the job done", rest: true };
    if (me.sees) {
      return { does: "notes it", store: rules.noted === "never" ? {} : { job: found } };
    }
    return s.queue[0] === dead ? { does: "finds the letter", next: cuttingAt } : end(s, me);
  };
  const end: Step<Eraser> = (s) => ({
    does: "is done",
    store: s.job === done ? {} : { job: done, fence: world.fence, isGone: world.fence || s.isGone },
    rest: true,
  });
  const first = 5;
  const erase = erasing<Eraser>(world, rules, first);
  const cuttingAt = first + erase.length + 2;
  const finish: Step<Eraser> = (s) => ({
    does: "notes that it is gone",
    store: s.job === done ? {} : { job: begun, isGone: true },
    rest: true,
  });
  const forget: Step<Eraser> = (s) =>
    s.note ? { does: "takes the note away", store: { note: false } } : undefined;
  const cuts = world.letters ? [...cutting<Eraser>(world, rules, cuttingAt), end] : [];
  return [begin, ...search, note, ...erase, forget, finish, ...cuts];
}
