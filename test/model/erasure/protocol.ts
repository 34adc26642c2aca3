import type { Emit, Model } from "../checker.ts";
import { take, type Actor, type Operation } from "../world.ts";
import { cutting, erasingJob, processing } from "./actors.ts";
import type { Rules } from "./rules.ts";
import { aggregating, reading } from "./summing.ts";
import {
  absent,
  batchName,
  buriedMessage,
  cut,
  cutMessage,
  dead,
  done,
  idle,
  letter,
  newJob,
  poisoned,
  standing,
  standingEvents,
  stored,
  waiting,
  x,
  type Aggregator,
  type Eraser,
  type Processor,
  type State,
  type Summing,
  type World,
} from "./world.ts";

export const exact = "when all is quiet, the rollup holds each stored event once";
export const over = "neither a rollup nor what is summed holds an event twice";
export const gone = "once an erasure is done, nothing that is answered from counts what it erased";
export const back = "when all is quiet, an event whose erasure is done is not stored";

/**
 * The model of a minute from which an event is erased while batches are stored, summed, condensed
 * and read.
 */
export function erasure(world: World, rules: Rules): Model<State> {
  const batches = Array.from({ length: world.batches }, (_, batch) => batch);
  const processorPrograms: Readonly<Record<number, readonly Operation<Processor, State>[]>> = {
    ...Object.fromEntries(batches.map((batch) => [batch, processing(world, rules, batch)])),
    [letter]: cutting<Processor>(world, rules, 1),
    [cutMessage]: processing(world, rules, cutMessage),
    [poisoned]: processing(world, rules, poisoned),
    [buriedMessage]: processing(world, rules, buriedMessage),
  };
  const aggregatorProgram = aggregating(world);
  const eraserProgram = erasingJob(world, rules);
  const readerProgram = reading(world);

  function processorSteps(s: State, index: number, emit: Emit<State>): void {
    const me = s.processors[index]!;
    const who = `P${index + 1}`;
    const become = (one: Processor, store?: Partial<State>) => ({
      ...s,
      ...store,
      processors: s.processors.with(index, one),
    });
    if (me.at > 0) {
      emit(`${who} crashes`, become(idle.processor));
      take(processorPrograms[me.batch], s, me, idle.processor, (step, after) => {
        emit(`${who} ${step.does}`, become(after, step.store));
      });
      return;
    }
    for (const batch of batches) {
      if (s.queue[batch] !== waiting) continue;
      emit(`${who} receives ${batchName(batch)}`, become({ ...idle.processor, at: 1, batch }));
    }
    if (world.poison && s.queue[0] === waiting) {
      const does = "receives A, where y is poisonous";
      emit(`${who} ${does}`, become({ ...idle.processor, at: 1, batch: poisoned }));
    }
    if (s.buried) {
      emit(
        `${who} receives the letter`,
        become({ ...idle.processor, at: 1, batch: buriedMessage }),
      );
    }
    if (s.queue[0] === cut) {
      emit(`${who} receives A without x`, become({ ...idle.processor, at: 1, batch: cutMessage }));
    } else if (s.queue[0] === dead && s.fence && (s.job === done || rules.sweep === "always")) {
      emit(`${who} finds the letter`, become({ ...idle.processor, at: 1, batch: letter }));
    }
  }

  /** The message dies while nobody works on it, and may be replayed. */
  function letterSteps(s: State, emit: Emit<State>): void {
    const isFree = s.processors.every(({ at, batch }) => at === 0 || batch === letter);
    if (s.queue[0] === waiting && isFree) emit("A dies", { ...s, queue: s.queue.with(0, dead) });
    if (s.queue[0] === dead) emit("A is replayed", { ...s, queue: s.queue.with(0, waiting) });
  }

  function aggregatorSteps(s: State, index: number, emit: Emit<State>): void {
    const me = s.aggregators[index]!;
    const who = `G${index + 1}`;
    const become = (one: Aggregator, store?: Partial<State>) => ({
      ...s,
      ...store,
      aggregators: s.aggregators.with(index, one),
    });
    if (me.at > 0) {
      emit(`${who} crashes`, become(idle.aggregator));
      take(aggregatorProgram, s, me, idle.aggregator, (step, after) => {
        emit(`${who} ${step.does}`, become(after, step.store));
      });
    } else if (s.mark !== 0) {
      emit(`${who} reads the mark`, become({ ...idle.aggregator, at: 1, nonce: s.mark }));
    }
  }

  /**
   * The steps of the eraser. An eraser that continues after a crash begins with the noted event.
   */
  function eraserSteps(s: State, index: number, emit: Emit<State>): void {
    const me = s.erasers[index]!;
    const who = `E${index + 1}`;
    const become = (one: Eraser, store?: Partial<State>) => ({
      ...s,
      ...store,
      erasers: s.erasers.with(index, one),
    });
    if (me.at > 0) emit(`${who} crashes`, become(idle.eraser));
    else if (s.job === done) return;
    const at = me.at > 0 ? me : { ...idle.eraser, at: 1 };
    take(eraserProgram, s, at, idle.eraser, (step, after) => {
      emit(`${who} ${step.does}`, become(after, step.store));
    });
  }

  /**
   * The steps of the reader. It changes nothing, so it needs no crashes: it begins again and again.
   */
  function readerSteps(s: State, emit: Emit<State>): void {
    const me = s.reader.at === 0 ? { ...idle.reader, at: 1 } : s.reader;
    take(readerProgram, s, me, idle.reader, (step, reader) => {
      emit(`R ${step.does}`, { ...s, reader }, step.broken);
    });
  }

  const quiet = ({ queue, buried, mark, job, processors, aggregators, erasers }: State) =>
    (mark === 0 || world.aggregators === 0) &&
    job === done &&
    !buried &&
    queue.every((left) => left === 0) &&
    [...processors, ...aggregators, ...erasers].every(({ at }) => at === 0);

  function broken(s: State): string | undefined {
    const sum = standing(s);
    if (((s.rollup | sum) & 0b101010) !== 0) return over;
    if (s.job === done && s.isGone) {
      if ((sum & 3) !== 0 || (s.mark === 0 && (s.rollup & 3) !== 0)) return gone;
      if (quiet(s) && s.events[x] === stored) return back;
    }
    const counts = world.aggregators === 0 ? sum : s.rollup;
    return quiet(s) && counts !== standingEvents(s) ? exact : undefined;
  }

  const of = <A extends Actor>(count: number, one: A) => Array.from({ length: count }, () => one);
  return {
    initial: {
      queue: batches.map(() => waiting),
      events: [absent, absent, absent],
      deltas: batches.map(() => ({ form: absent, counts: 0, anew: false })),
      fold: { n: 0, v: 0, counts: 0, names: 0 },
      mark: 0,
      version: 0,
      rollup: 0,
      fence: false,
      note: false,
      buried: false,
      job: world.erasers === 0 ? done : newJob,
      isGone: false,
      processors: of<Processor>(world.processors, idle.processor),
      aggregators: of<Aggregator>(world.aggregators, idle.aggregator),
      erasers: of<Eraser>(world.erasers, idle.eraser),
      reader: idle.reader,
    },
    steps(s, emit) {
      for (let index = 0; index < world.processors; index++) processorSteps(s, index, emit);
      for (let index = 0; index < world.aggregators; index++) aggregatorSteps(s, index, emit);
      for (let index = 0; index < world.erasers; index++) eraserSteps(s, index, emit);
      if (world.reader) readerSteps(s, emit);
      if (world.letters) letterSteps(s, emit);
    },
    key: keyOf,
    quiet,
    broken,
  };
}

/** Weights farther apart than one step can add behave as weights exactly this far apart. */
const farApart = 4;

/** Replaces weights by their order and the distances of neighbours. */
function ranked(weights: readonly number[]): (weight: number) => number {
  const ranks = new Map<number, number>();
  let [last = 0, rank = 0] = [] as readonly number[];
  for (const weight of [...new Set(weights)].sort((a, b) => a - b)) {
    rank += Math.min(weight - last, farApart);
    last = weight;
    ranks.set(weight, rank);
  }
  return (weight) => ranks.get(weight)!;
}

/**
 * The key of a state, with the symmetries of `../key.ts` and one more: of the fold's number only
 * matters whether it is the one that stands, and of weights which one is greater. So the model
 * stays finite, though minutes may be counted anew without end.
 */
function keyOf(s: State): string {
  const actors: readonly Summing[] = [
    ...s.processors,
    ...s.aggregators,
    ...s.erasers,
    s.reader,
  ].filter(({ at }) => at > 0);
  const rank = ranked([s.version, s.fold.v, ...actors.map(({ v }) => v)]);
  const text = (...values: readonly number[]) => String.fromCharCode(...values);
  const sum = ({ at, n, names, v, counts, fresh, held, known }: Summing) =>
    at === 0
      ? ""
      : text(
          at | (Number(n === s.fold.n) << 6) | (names << 7) | (fresh << 9) | (held << 11),
          counts | (known << 6),
          rank(v),
        );
  const processor = (one: Processor) =>
    `${sum(one)}${text(one.batch | (Number(one.isFenced) << 3) | (one.owned << 4))}`;
  const aggregator = (one: Aggregator) =>
    `${sum(one)}${text(Number(one.at > 0 && one.nonce === s.mark))}`;
  const eraser = (one: Eraser) => `${sum(one)}${text(Number(one.sees))}`;
  const { n, v, counts, names } = s.fold;
  const bits = (values: readonly number[], width: number) =>
    values.reduce((all, value, i) => all | (value << (width * i)), 0);
  return [
    text(
      bits(
        s.queue.map((form) => form & 1),
        1,
      ) |
        (bits(s.events, 2) << 2) |
        (Number(s.fence) << 8) |
        (s.job << 9) |
        (Number(s.isGone) << 11) |
        (Math.sign(s.mark) << 12) |
        (Math.sign(n) << 13) |
        (Number(s.note) << 14) |
        (Number(s.buried) << 15),
      bits(
        s.deltas.map(({ form, anew }) => form | (Number(anew) << 2)),
        3,
      ) |
        (names << 6) |
        ((s.queue[0]! >> 1) << 8),
      rank(v) | (rank(s.version) << 8),
      counts,
      s.rollup,
      ...s.deltas.map((delta) => delta.counts),
    ),
    ...s.processors.map(processor).sort(),
    ...s.aggregators.map(aggregator).sort(),
    ...s.erasers.map(eraser).sort(),
    sum(s.reader) + text(s.reader.promised | (Number(s.reader.isGone) << 6)),
  ].join("|");
}
