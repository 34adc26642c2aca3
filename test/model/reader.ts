import type { Rules } from "./rules.ts";
import {
  bucketName,
  bucketsOf,
  minutesOf,
  one,
  stored,
  sumDeltas,
  shownCounts,
  total,
  within,
  type Counts,
  type Operation,
  type Reader,
  type State,
  type World,
} from "./world.ts";

type Step = Operation<Reader>;

export const low = "an answer lacks no event acknowledged before the reader began";
const high = "an answer holds no event twice, and none that is not stored";

/**
 * How a reader counts the whole range, operation by operation. Its answer is checked part by part, as
 * it is read: the events of different minutes are different ones.
 */
export function reading(world: World, rules: Rules): readonly Step[] {
  const buckets = bucketsOf(world);
  const top = buckets.length - 1;

  const look =
    (bucket: number): Step =>
    (s, me) => {
      const marked = s.marks[bucket] !== 0;
      // Who looks at the hour alone knows nothing about the minutes, and takes the deltas of all.
      const seen = rules.reading === "own mark alone" ? 7 : 1 << bucket;
      return {
        does: `sees ${bucketName(world, bucket)} ${marked ? "marked" : "unmarked"}`,
        me: {
          promised: me.at === 1 ? promised(world, s) : me.promised,
          marked: marked ? me.marked | seen : me.marked,
        },
      };
    };

  const hold: Step = (s) => ({
    does: `reads the rollup of ${bucketName(world, top)}: ${shownCounts(s.rollups[top] ?? 0)}`,
    me: { promised: promised(world, s), held: s.rollups[top] ?? 0 },
  });

  /** Settled: the rollup is the whole answer. A minute alone may have none. */
  const takeRollup: Step = (s, me) => {
    if (me.marked !== 0 || (!world.hour && world.few > 0)) return undefined;
    const counts = rules.reading === "rollup first" ? me.held : (s.rollups[top] ?? 0);
    return { ...answer(s, me, top, counts), rest: true };
  };

  const takeMinute =
    (minute: number): Step =>
    (s, me) => {
      const next = world.few > 0 ? me.at + 2 : undefined;
      const isMarked = (me.marked & (1 << minute)) !== 0;
      if (isMarked) return { ...answer(s, me, minute, sumDeltas(world, s, minute)), next };
      const isBare = world.few > 0 && s.versions[minute] === 0;
      if (isBare && rules.unmarked === "rollup, else deltas") {
        return { does: `finds no rollup of ${bucketName(world, minute)}` };
      }
      return { ...answer(s, me, minute, s.rollups[minute] ?? 0), next };
    };

  const takeBareMinute =
    (minute: number): Step =>
    (s, me) =>
      answer(s, me, minute, sumDeltas(world, s, minute));

  const minuteSteps = (minute: number): readonly Step[] =>
    world.few > 0 ? [takeMinute(minute), takeBareMinute(minute)] : [takeMinute(minute)];

  function answer(s: State, me: Reader, bucket: number, counts: Counts) {
    const missing = me.promised & within(world, bucket) & ~counts;
    const over = counts & ~(stored(s) & within(world, bucket));
    return {
      does: `answers ${shownCounts(counts)} for ${bucketName(world, bucket)}, promised ${shownCounts(me.promised)}`,
      me: { promised: me.promised & ~within(world, bucket) },
      broken: missing !== 0 ? low : over !== 0 ? high : undefined,
    };
  }

  const looks = buckets.map(look);
  const order = {
    "finest marks first": looks,
    "coarsest marks first": looks.toReversed(),
    "own mark alone": looks.slice(top),
    "rollup first": [hold, ...looks],
  }[rules.reading];
  return [...order, takeRollup, ...minutesOf(world).flatMap(minuteSteps)];
}

/** The events that an answer begun now must hold. */
function promised(world: World, s: State): Counts {
  const isAcknowledged = (message: number) => s.queue[message] !== world.copies[message];
  if (world.reader === "owner acknowledged") {
    return total(s.events, (owner, event) =>
      owner !== 0 && isAcknowledged(owner - 1) ? one(event) : 0,
    );
  }
  const acknowledged = world.messages.filter((_, message) => isAcknowledged(message));
  return total([...new Set(acknowledged.flat())], one);
}
