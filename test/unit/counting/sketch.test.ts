import fc from "fast-check";
import {
  emptySketch,
  estimate,
  exactLimit,
  isExact,
  mergeAll,
  mergeSketches,
  sketchOf,
} from "../../../lib/counting/sketch.ts";

function users(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, i) => `user-${from + i}`);
}

/** Sets that overlap, some on either side of the limit and some right at it. */
const sets = fc
  .tuple(
    fc.integer({ min: 0, max: 2_000 }),
    fc.constantFrom(0, 1, 2, 300, 700, 1_024, 1_025, 3_000),
  )
  .map(([from, size]) => users(from, from + size));

test("the form depends on the set alone", () => {
  fc.assert(
    fc.property(fc.array(fc.string(), { maxLength: 50 }), (values) => {
      const sketch = sketchOf(values);
      expect(sketchOf([...values].reverse().concat(values))).toBe(sketch);
      expect(estimate(sketch)).toBe(new Set(values.map((value) => value.toWellFormed())).size);
    }),
  );
});

test("merging is associative, commutative and idempotent to the byte", () => {
  fc.assert(
    fc.property(sets, sets, sets, (a, b, c) => {
      const [x, y, z] = [sketchOf(a), sketchOf(b), sketchOf(c)] as const;
      const all = sketchOf([...a, ...b, ...c]);
      expect(mergeSketches(x, mergeSketches(y, z))).toBe(all);
      expect(mergeSketches(mergeSketches(z, x), y)).toBe(all);
      expect(mergeAll([y, x, z, y, x])).toBe(all);
      expect(mergeSketches(x, x)).toBe(x);
      expect(mergeSketches(emptySketch, x)).toBe(x);
    }),
    { numRuns: 60 },
  );
});

test("counts exactly up to the limit, and one more makes it dense", () => {
  for (const size of [0, 1, 2, 3, 500, exactLimit - 1, exactLimit]) {
    const sketch = sketchOf(users(0, size));
    expect(estimate(sketch)).toBe(size);
    expect(isExact(sketch)).toBe(true);
    expect(sketch.length).toBe(Math.ceil((size * 8 * 4) / 3));
  }
  const dense = sketchOf(users(0, exactLimit + 1));
  expect(isExact(dense)).toBe(false);
  expect(dense).toHaveLength(16_385);
  expect(mergeAll(users(0, exactLimit + 1).map((user) => sketchOf([user])))).toBe(dense);
});

test("many small sketches with the same values stay exact", () => {
  const parts = Array.from({ length: 400 }, (_, i) => sketchOf(users(i, i + 100)));
  const union = mergeAll(parts);
  expect(isExact(union)).toBe(true);
  expect(estimate(union)).toBe(499);
});

test("is within 2 % at 10,000 and 100,000", () => {
  for (const size of [10_000, 100_000]) {
    expect(Math.abs(estimate(sketchOf(users(0, size))) / size - 1)).toBeLessThan(0.02);
  }
});

test("errs by its standard error, without bias, from just above the limit on", () => {
  for (const size of [1_025, 4_000, 20_000]) {
    const errors = Array.from({ length: 60 }, (_, run) => {
      const values = Array.from({ length: size }, (_, i) => `${run}:${i}`);
      return estimate(sketchOf(values)) / size - 1;
    });
    const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length;
    const deviation = Math.sqrt(errors.reduce((sum, error) => sum + error ** 2, 0) / errors.length);
    expect(Math.abs(mean)).toBeLessThan(0.003);
    expect(deviation).toBeLessThan(0.0095);
  }
});

test("reads registers by the formula, from none to more than a test could insert", () => {
  expect(estimate(`~${"A".repeat(16_384)}`)).toBe(0);
  // Where all ranks are 20 the estimate is that of the raw formula: m 2^20 / (2 ln 2).
  const raw = (16_384 * 2 ** 20) / (2 * Math.LN2);
  expect(estimate(`~${"U".repeat(16_384)}`)).toBe(Math.round(raw));
});

test("ranks a hash by the zeros after its first 14 bits, also where those are many", () => {
  // Read little-endian, the hash is 10111101110001 (12,145), 18 zeros, 5 zeros, and a one.
  const rare = "rare-48564";
  expect(Buffer.from(sketchOf([rare]), "base64url").readBigUInt64LE() >> 26n).toBe(
    (12_145n << 24n) | 1n,
  );
  const dense = sketchOf([rare, ...users(0, exactLimit)]);
  expect(dense[1 + 12_145]).toBe("Y");
});

test("is the first 64 bits of SHA-1, so that others can make the same", () => {
  // SHA-1("abc") = a9993e364706816a ba3e...
  expect(Buffer.from(sketchOf(["abc"]), "base64url").toString("hex")).toBe("a9993e364706816a");
});
