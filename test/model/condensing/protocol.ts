import type { Emit, Model } from "../checker.ts";
import { one, take, total } from "../world.ts";
import { aggregating, processing, reading } from "./actors.ts";
import type { Rules } from "./rules.ts";
import {
  absent,
  batchName,
  idle,
  inserted,
  standing,
  type Aggregator,
  type Processor,
  type Reader,
  type State,
  type Summing,
  type World,
} from "./world.ts";

export const exact = "when all is quiet, the rollup holds each event once";
const over = "no rollup holds an event twice";
export const whole = "the fold and the open deltas that it does not name hold each delta once";

/**
 * The model of a minute whose deltas are condensed while others come, and while they are summed and
 * read.
 */
export function folding(world: World, rules: Rules): Model<State> {
  const batches = Array.from({ length: world.batches }, (_, batch) => batch);
  const all = total(batches, one);
  const processorPrograms = batches.map((batch) => processing(batch));
  const aggregatorProgram = aggregating(world, rules);
  const readerProgram = reading(world, rules);

  function processorSteps(s: State, index: number, emit: Emit<State>): void {
    const me = s.processors[index] ?? idle.processor;
    const who = `P${index + 1}`;
    const become = (processor: Processor, store?: Partial<State>) => ({
      ...s,
      ...store,
      processors: s.processors.with(index, processor),
    });
    if (me.at > 0) {
      emit(`${who} crashes`, become(idle.processor));
      take(processorPrograms[me.batch], s, me, idle.processor, (step, after) => {
        emit(`${who} ${step.does}`, become(after, step.store));
      });
      return;
    }
    for (const batch of batches) {
      if (s.queue[batch] === 0) continue;
      emit(`${who} receives ${batchName(batch)}`, become({ at: 1, batch }));
    }
  }

  function aggregatorSteps(s: State, index: number, emit: Emit<State>): void {
    const me = s.aggregators[index] ?? idle.aggregator;
    const who = `G${index + 1}`;
    const become = (aggregator: Aggregator, store?: Partial<State>) => ({
      ...s,
      ...store,
      aggregators: s.aggregators.with(index, aggregator),
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
   * The steps of the reader. It changes nothing, so it needs no crashes: it begins again and again.
   */
  function readerSteps(s: State, emit: Emit<State>): void {
    const me = s.reader.at === 0 ? { ...idle.reader, at: 1 } : s.reader;
    take(readerProgram, s, me, idle.reader, (step, reader) => {
      emit(`R ${step.does}`, { ...s, reader }, step.broken);
    });
  }

  const quiet = ({ queue, mark, processors, aggregators }: State) =>
    mark === 0 &&
    queue.every((left) => left === 0) &&
    [...processors, ...aggregators].every(({ at }) => at === 0);

  function broken(s: State): string | undefined {
    if ((s.rollup & 0b101010) !== 0) return over;
    if (standing(s) !== inserted(s)) return whole;
    return quiet(s) && s.rollup !== all ? exact : undefined;
  }

  return {
    initial: {
      queue: batches.map(() => 1),
      deltas: batches.map(() => absent),
      fold: { n: 0, v: 0, counts: 0, names: 0 },
      mark: 0,
      version: 0,
      rollup: 0,
      processors: Array.from({ length: world.processors }, () => idle.processor),
      aggregators: Array.from({ length: world.aggregators }, () => idle.aggregator),
      reader: idle.reader,
    },
    steps(s, emit) {
      for (let index = 0; index < world.processors; index++) processorSteps(s, index, emit);
      for (let index = 0; index < world.aggregators; index++) aggregatorSteps(s, index, emit);
      if (world.reader) readerSteps(s, emit);
    },
    key: keyOf,
    quiet,
    broken,
  };
}

/**
 * The key of a state, with the two symmetries of `../key.ts`: actors of one kind are
 * interchangeable, and of a nonce only matters whether it stands in the mark.
 */
function keyOf(s: State): string {
  const text = (...values: readonly number[]) => String.fromCharCode(...values);
  const sum = ({ n, names, v, counts, fresh, held }: Summing) =>
    text(n | (v << 3) | (names << 6), counts | (fresh << 6) | (held << 9));
  const processor = ({ at, batch }: Processor) => text(at | (batch << 4));
  const aggregator = (each: Aggregator) => {
    const stands = each.at > 0 && each.nonce === s.mark;
    return text((each.at << 1) | Number(stands)) + sum(each);
  };
  const reader = (each: Reader) => text(each.at, each.promised) + sum(each);
  const { n, v, counts, names } = s.fold;
  const store = text(
    total(s.queue, (left, batch) => left << batch) | (Math.sign(s.mark) << 3) | (n << 4) | (v << 7),
    total(s.deltas, (form, batch) => form << (2 * batch)) | (counts << 6),
    s.rollup | (s.version << 6) | (names << 9),
  );
  return [
    store,
    ...s.processors.map(processor).sort(),
    ...s.aggregators.map(aggregator).sort(),
    reader(s.reader),
  ].join("");
}
