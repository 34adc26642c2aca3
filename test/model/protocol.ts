import { aggregating } from "./aggregator.ts";
import type { Emit, Model } from "./checker.ts";
import { keyOf } from "./key.ts";
import { processing } from "./processor.ts";
import { reading } from "./reader.ts";
import type { Rules } from "./rules.ts";
import {
  bucketsOf,
  bucketName,
  idle,
  messageName,
  one,
  stored,
  sumDeltas,
  take,
  total,
  within,
  type Aggregator,
  type Processor,
  type State,
  type World,
} from "./world.ts";

export const exact =
  "when all is quiet, every event is stored and every rollup holds each of its own once";
export const over =
  "neither a rollup nor a minute's deltas hold an event twice, nor one that is not stored";

/**
 * The counting protocol of the design, by these rules, in a world of this size. Two symmetries are
 * used: actors of a kind are alike, and of a nonce only whether it is the one that stands matters.
 */
export function protocol(world: World, rules: Rules): Model<State> {
  const ownIds = rules.batchId === "made by the processor";
  const batches = world.messages.length + (ownIds ? 1 : 0);
  const buckets = bucketsOf(world);
  const events = buckets.map((bucket) => within(world, bucket));
  const processorPrograms = world.messages.map((_, message) => processing(world, rules, message));
  const aggregatorPrograms = buckets.map((bucket) => aggregating(world, rules, bucket, batches));
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
      take(processorPrograms[me.message], s, me, idle.processor, (step, after) => {
        emit(`${who} ${step.does}`, become(after, step.store));
      });
      return;
    }
    // Also a message that another processor has in hand: the broker may have given that delivery up.
    for (const [message, copies] of s.queue.entries()) {
      const batch = ownIds ? s.made + 1 : message + 1;
      if (copies === 0 || batch > batches) continue;
      const named = ownIds ? ` and names it ${batch}` : "";
      emit(
        `${who} receives ${messageName(message)}${named}`,
        become({ ...idle.processor, at: 1, message, batch }, ownIds ? { made: batch } : undefined),
      );
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
      take(aggregatorPrograms[me.bucket], s, me, idle.aggregator, (step, after) => {
        emit(`${who} ${step.does}`, become(after, step.store));
      });
      return;
    }
    for (const [bucket, nonce] of s.marks.entries()) {
      if (nonce === 0) continue;
      const does = `reads the mark of ${bucketName(world, bucket)}`;
      emit(`${who} ${does}`, become({ ...idle.aggregator, at: 1, bucket, nonce }));
    }
  }

  /**
   * A reader changes nothing and its crash harms no one: it begins again and again. One to whom nothing
   * is promised is passed over: all it could find is too much, and `over` holds for all it could read.
   */
  function readerSteps(s: State, emit: Emit<State>): void {
    const begins = s.reader.at === 0;
    const me = begins ? { ...idle.reader, at: 1 } : s.reader;
    take(readerProgram, s, me, idle.reader, (step, reader) => {
      if (begins && reader.promised === 0) return;
      emit(`R ${step.does}`, { ...s, reader }, step.broken);
    });
  }

  function quiet(s: State): boolean {
    return (
      s.queue.every((copies) => copies === 0) &&
      s.marks.every((nonce) => nonce === 0) &&
      s.processors.every((each) => each.at === 0) &&
      s.aggregators.every((each) => each.at === 0)
    );
  }

  function broken(s: State): string | undefined {
    const now = stored(s);
    const isOver = (bucket: number) => {
      const beyond = ~(now & (events[bucket] ?? 0));
      return (((s.rollups[bucket] ?? 0) | sumDeltas(world, s, bucket)) & beyond) !== 0;
    };
    if (buckets.some(isOver)) return over;
    if (!quiet(s)) return undefined;
    const isRight = (bucket: number) => {
      const isBare = bucket < world.minutes && world.few > 0 && s.versions[bucket] === 0;
      return (isBare ? sumDeltas(world, s, bucket) : s.rollups[bucket]) === events[bucket];
    };
    return s.events.every((owner) => owner !== 0) && buckets.every(isRight) ? undefined : exact;
  }

  const isCounted = (event: number) =>
    world.counted.some((m) => world.messages[m]!.includes(event));
  const counted = total(world.events, (_, event) => (isCounted(event) ? one(event) : 0));
  const owner = (event: number) => world.counted.find((m) => world.messages[m]!.includes(event));
  const deltas = Array.from({ length: batches * world.minutes }, (_, slot) => {
    const batch = Math.floor(slot / world.minutes);
    const own = total(world.events, (_at, event) => (owner(event) === batch ? one(event) : 0));
    return own & within(world, slot % world.minutes);
  });
  const versions = buckets.map(
    (bucket) =>
      deltas.filter((delta, slot) => {
        const minute = slot % world.minutes;
        return delta !== 0 && (minute === bucket || bucket === world.minutes);
      }).length,
  );

  return {
    initial: {
      queue: world.copies.map((copies, m) => (world.counted.includes(m) ? 0 : copies)),
      events: world.events.map((_, event) => (owner(event) ?? -1) + 1),
      deltas,
      marks: buckets.map(() => 0),
      versions,
      rollups: events.map((within) => within & counted),
      processors: Array.from({ length: world.processors }, () => idle.processor),
      aggregators: Array.from({ length: world.aggregators }, () => idle.aggregator),
      reader: idle.reader,
      made: 0,
    },
    steps(s, emit) {
      for (let index = 0; index < world.processors; index++) processorSteps(s, index, emit);
      for (let index = 0; index < world.aggregators; index++) aggregatorSteps(s, index, emit);
      if (world.reader !== "none") readerSteps(s, emit);
    },
    key: (s) => keyOf(s, rules.nonce === "counter"),
    quiet,
    broken,
  };
}
