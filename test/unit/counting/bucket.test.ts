import fc from "fast-check";
import {
  childrenOf,
  grainMs,
  parentOf,
  startOf,
  type Bucket,
} from "../../../lib/counting/bucket.ts";

const buckets = fc
  .record({
    grain: fc.constantFrom("minute", "hour", "day"),
    instant: fc.integer({ min: -4e12, max: 4e12 }),
  })
  .map(({ grain, instant }): Bucket => ({ project: "p", grain, start: startOf(grain, instant) }));

test("children fill their parent without a gap, and each has it as its parent", () => {
  fc.assert(
    fc.property(buckets, (bucket) => {
      const children = childrenOf(bucket);
      if (bucket.grain === "minute") return expect(children).toEqual([]);
      let next = bucket.start;
      for (const child of children) {
        expect(child.start).toBe(next);
        expect(parentOf(child)).toEqual(bucket);
        next += grainMs[child.grain];
      }
      expect(next).toBe(bucket.start + grainMs[bucket.grain]);
    }),
  );
});

test("a day has no parent", () => {
  expect(parentOf({ project: "p", grain: "day", start: 0 })).toBeUndefined();
});
