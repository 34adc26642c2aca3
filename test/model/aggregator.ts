import type { Rules } from "./rules.ts";
import {
  bucketName,
  marked,
  minutesOf,
  shownCounts,
  type Aggregator,
  type Operation,
  type World,
} from "./world.ts";

type Step = Operation<Aggregator>;

/**
 * What an aggregator does with a bucket, operation by operation, after it has read the mark. A sum
 * reads one document at a time: no snapshot is asked of the store.
 */
export function aggregating(
  world: World,
  rules: Rules,
  bucket: number,
  batches: number,
): readonly Step[] {
  const name = bucketName(world, bucket);
  const isMinute = bucket < world.minutes;

  const readDelta =
    (index: number): Step =>
    (s, me) => {
      const delta = s.deltas[index * world.minutes + bucket] ?? 0;
      return {
        does: `reads delta ${index + 1} of ${name}: ${shownCounts(delta)}`,
        me: { v: me.v + (delta === 0 ? 0 : 1), counts: me.counts + delta },
      };
    };

  const readChild =
    (child: number): Step =>
    (s, me) => {
      const counts = s.rollups[child] ?? 0;
      return {
        does: `reads the rollup of ${bucketName(world, child)}: ${shownCounts(counts)}`,
        me: {
          v: me.v + (s.versions[child] ?? 0),
          counts: me.counts + counts,
          bare:
            rules.summing === "rollup and deltas" ||
            (rules.summing === "rollup, else deltas" && world.few > 0 && s.versions[child] === 0),
        },
      };
    };

  /** After the rollup was looked for: a delta that comes between is one more. */
  const readDeltaOf =
    (child: number, index: number): Step =>
    (s, me) => {
      const delta = s.deltas[index * world.minutes + child] ?? 0;
      if (!me.bare || delta === 0) return undefined;
      return {
        does: `reads delta ${index + 1} of ${bucketName(world, child)}: ${shownCounts(delta)}`,
        me: { v: me.v + (rules.weight === "nothing" ? 0 : 1), counts: me.counts + delta },
      };
    };

  const childSteps = (child: number): readonly Step[] => [
    readChild(child),
    ...Array.from({ length: world.few > 0 ? batches : 0 }, (_, index) => readDeltaOf(child, index)),
  ];

  const write: Step = (s, me) => {
    const isFew = isMinute && me.v < world.few;
    if (isFew && (rules.standing === "left" || s.versions[bucket] === 0)) {
      return { does: `leaves ${name} to its deltas`, me: { v: 0, counts: 0 } };
    }
    const changed = rules.write === "always" || me.v > (s.versions[bucket] ?? 0);
    return {
      does: changed
        ? `writes rollup ${shownCounts(me.counts)} of ${name}`
        : `need not write ${name}`,
      store: changed
        ? {
            versions: s.versions.with(bucket, me.v),
            rollups: s.rollups.with(bucket, me.counts),
          }
        : {},
      me: { v: 0, counts: 0, bare: false, changed: changed && rules.markParent !== "always" },
    };
  };

  const markParent: Step = (s, me) => {
    if (rules.markParent === "where the write changed" && !me.changed) return undefined;
    return { does: "marks hour", store: { marks: marked(s, world.minutes, rules.nonce) } };
  };

  const clear: Step = (s, me) => {
    const clears = rules.clear === "always" || s.marks[bucket] === me.nonce;
    return {
      does: clears ? `clears the mark of ${name}` : `leaves the new mark of ${name}`,
      store: clears ? { marks: s.marks.with(bucket, 0) } : {},
    };
  };

  const sum = isMinute
    ? Array.from({ length: batches }, (_, index) => readDelta(index))
    : minutesOf(world).flatMap(childSteps);
  if (!isMinute || !world.hour) return [...sum, write, clear];
  return rules.parentMarked === "before the child is cleared"
    ? [...sum, write, markParent, clear]
    : [...sum, write, clear, markParent];
}
