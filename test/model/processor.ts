import type { Rules } from "./rules.ts";
import {
  bucketName,
  marked,
  messageName,
  minutesOf,
  one,
  stored,
  shownCounts,
  total,
  within,
  type Operation,
  type Processor,
  type World,
} from "./world.ts";

type Step = Operation<Processor>;

/** What a processor does with a message, operation by operation, after it was delivered. */
export function processing(world: World, rules: Rules, message: number): readonly Step[] {
  const events = world.messages[message] ?? [];
  const content = total(events, one);
  const minutes = minutesOf(world).filter((minute) => (content & within(world, minute)) !== 0);
  const slot = (me: Processor, minute: number) => (me.batch - 1) * world.minutes + minute;

  const insert =
    (event: number): Step =>
    (s, me) => {
      if (s.events[event] !== 0) return undefined;
      return {
        does: `inserts ${shownCounts(one(event))}`,
        store: { events: s.events.with(event, me.batch) },
        me: rules.owned === "inserted now" ? { owned: me.owned | one(event) } : {},
      };
    };

  const own: Step = (s, me) => {
    const owned = {
      "stored under this batch": stored(s, me.batch),
      "inserted now": me.owned,
      "the whole message": content,
    }[rules.owned];
    return { does: `owns ${shownCounts(owned)}`, me: { owned } };
  };

  const insertDelta =
    (minute: number): Step =>
    (s, me) => {
      const part = me.owned & within(world, minute);
      if (part === 0 || s.deltas[slot(me, minute)] !== 0) return undefined;
      const noted = rules.counting === "guarded increment" || rules.marking === "new deltas only";
      return {
        does: `inserts the delta ${shownCounts(part)} of ${bucketName(world, minute)}`,
        store: { deltas: s.deltas.with(slot(me, minute), part) },
        me: noted ? { fresh: me.fresh | (1 << minute) } : {},
      };
    };

  const increment =
    (minute: number): Step =>
    (s, me) => {
      const part = me.owned & within(world, minute);
      const guarded = rules.counting === "guarded increment";
      if (part === 0 || (guarded && (me.fresh & (1 << minute)) === 0)) return undefined;
      return {
        does: `adds ${shownCounts(part)} to the rollup of ${bucketName(world, minute)}`,
        store: { rollups: s.rollups.with(minute, (s.rollups[minute] ?? 0) + part) },
      };
    };

  const mark =
    (minute: number): Step =>
    (s, me) => {
      if (rules.marking === "new deltas only" && (me.fresh & (1 << minute)) === 0) return undefined;
      return {
        does: `marks ${bucketName(world, minute)}`,
        store: { marks: marked(s, minute, rules.nonce) },
      };
    };

  // Where the broker has given the delivery up and ignores this, it is as a crash just before.
  const acknowledge: Step = (s) => ({
    does: `acknowledges ${messageName(message)}`,
    store: { queue: s.queue.with(message, Math.max(0, (s.queue[message] ?? 0) - 1)) },
  });

  const count = {
    "sum of deltas": minutes.map(insertDelta),
    increment: minutes.map(increment),
    "guarded increment": minutes.flatMap((minute) => [insertDelta(minute), increment(minute)]),
  }[rules.counting];
  const marks = rules.counting === "sum of deltas" ? minutes.map(mark) : [];
  const end =
    rules.acknowledge === "after marking" ? [...marks, acknowledge] : [acknowledge, ...marks];
  return [...events.map(insert), own, ...count, ...end];
}
