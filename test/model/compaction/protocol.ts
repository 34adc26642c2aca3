import type { Emit, Model } from "../checker.ts";
import { take, type Actor, type Operation } from "../world.ts";
import { compacting, processing, reading, recounting } from "./actors.ts";
import type { Rules } from "./rules.ts";
import {
  absent,
  batchName,
  idle,
  known,
  low,
  old,
  raised,
  silent,
  standing,
  storedEvents,
  through,
  type Processor,
  type State,
  type Summing,
  type World,
} from "./world.ts";

export const exact = "when all is quiet, each event is counted once";
export const over = "what is summed holds no event twice";

/**
 * The model of a minute whose old deltas are removed while other actors store, sum, count anew and
 * read.
 */
export function compaction(world: World, rules: Rules): Model<State> {
  const batches = Array.from({ length: world.batches }, (_, batch) => batch);
  const processorPrograms = batches.map((batch) => processing(world, rules, batch));
  const compactorProgram = compacting(world, rules);
  const recounterProgram = recounting(world, rules);
  const readerProgram = reading(world, rules);

  /** The steps of one actor: it continues its program, crashes, or begins as `begin` says. */
  function steps<A extends Summing>(
    s: State,
    who: string,
    me: A,
    program: readonly Operation<A, State>[],
    become: (one: A, store?: Partial<State>) => State,
    { rest, begins, emit }: { rest: A; begins: boolean; emit: Emit<State> },
  ): void {
    if (me.at > 0) emit(`${who} crashes`, become(rest));
    else if (!begins) return;
    take(program, s, me.at > 0 ? me : { ...rest, at: 1 }, rest, (step, after) => {
      emit(`${who} ${step.does}`, become(after, step.store), step.broken);
    });
  }

  function processorSteps(s: State, index: number, emit: Emit<State>): void {
    const me = s.processors[index]!;
    const who = `P${index + 1}`;
    const become = (one: Processor, store?: Partial<State>) => ({
      ...s,
      ...store,
      processors: s.processors.with(index, one),
    });
    const rest = idle.processor;
    if (me.at > 0) {
      steps(s, who, me, processorPrograms[me.batch]!, become, { rest, begins: false, emit });
      return;
    }
    for (const batch of batches) {
      if (s.queue[batch] === 0) continue;
      emit(`${who} receives ${batchName(batch)}`, become({ ...rest, at: 1, batch }));
    }
  }

  const quiet = (s: State) =>
    s.queue.every((left) => left === 0) &&
    [...s.processors, ...s.compactors, s.recounter].every(({ at }) => at === 0);

  function broken(s: State): string | undefined {
    const sum = standing(s);
    if ((sum & 0b1010) !== 0) return over;
    return quiet(s) && sum !== storedEvents(s) ? exact : undefined;
  }

  const of = <A extends Actor>(count: number, one: A) => Array.from({ length: count }, () => one);
  return {
    initial: {
      queue: batches.map(() => 1),
      events: batches.map(() => false),
      deltas: batches.map(() => absent),
      fold: { n: 0, counts: 0, names: 0, going: silent },
      isOld: false,
      bound: low,
      processors: of<Processor>(world.processors, idle.processor),
      compactors: of<Summing>(world.compactors, idle.summing),
      recounter: idle.summing,
      reader: idle.reader,
    },
    steps(s, emit) {
      if (!s.isOld) emit("A grows old", { ...s, isOld: true });
      if (s.bound === raised) emit("all know the bound", { ...s, bound: known });
      for (let index = 0; index < world.processors; index++) processorSteps(s, index, emit);
      s.compactors.forEach((me, index) => {
        const become = (one: Summing, store?: Partial<State>) => ({
          ...s,
          ...store,
          compactors: s.compactors.with(index, one),
        });
        // Old deltas of other batches may exist as well.
        const begins = s.isOld && (s.fold.going !== through || s.deltas[old] !== absent);
        steps(s, `K${index + 1}`, me, compactorProgram, become, {
          ...{ rest: idle.summing, begins, emit },
        });
      });
      if (world.recounter) {
        const become = (recounter: Summing, store?: Partial<State>) => ({
          ...s,
          ...store,
          recounter,
        });
        steps(s, "C", s.recounter, recounterProgram, become, {
          ...{ rest: idle.summing, begins: true, emit },
        });
      }
      if (!world.reader) return;
      // The reader changes nothing, so its crash harms no other actor; it begins again and again.
      const me = s.reader.at === 0 ? { ...idle.reader, at: 1 } : s.reader;
      take(readerProgram, s, me, idle.reader, (step, reader) => {
        emit(`R ${step.does}`, { ...s, reader }, step.broken);
      });
    },
    key: keyOf,
    quiet,
    broken,
  };
}

/**
 * Uses the symmetries of `../key.ts`. Of a number that an actor read only one bit counts: whether
 * it is the fold's current number.
 */
function keyOf(s: State): string {
  const text = (...values: readonly number[]) => String.fromCharCode(...values);
  const sum = ({ at, n, names, counts, going, fresh, held, known }: Summing) =>
    at === 0
      ? ""
      : text(
          at | (Number(n === s.fold.n) << 6) | (names << 7) | (fresh << 9) | (held << 11),
          counts | (known << 4) | (going << 6),
        );
  const processor = (one: Processor) =>
    `${sum(one)}${text(one.batch | (Number(one.isYoung) << 1) | (Number(one.saw) << 2))}`;
  const bits = (values: readonly number[], width: number) =>
    values.reduce((all, value, i) => all | (value << (width * i)), 0);
  const { n, counts, names, going } = s.fold;
  return [
    text(
      bits(s.queue, 1) | (bits(s.events.map(Number), 1) << 2) | (bits(s.deltas, 2) << 4),
      Number(s.isOld) | (Math.sign(n) << 1) | (names << 2) | (going << 4) | (s.bound << 6),
      counts,
    ),
    ...s.processors.map(processor).sort(),
    ...s.compactors.map(sum).sort(),
    sum(s.recounter),
    sum(s.reader) + text(s.reader.promised),
  ].join("|");
}
