import fc from "fast-check";
import { Quantiles, relativeError } from "../../../../lib/questions/query/quantiles.ts";

const numbers = fc.array(
  fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e12, max: 1e12 }),
    fc.integer({ min: -1_000, max: 1_000 }),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.constantFrom(0, -0, 5e-324, 1e-310, 1e300, -1e300, 1e308, -1e308, Number.MAX_VALUE),
  ),
  { minLength: 1, maxLength: 200 },
);

function sketchOf(values: readonly number[]): Quantiles {
  const quantiles = new Quantiles();
  for (const value of values) quantiles.add(value);
  return quantiles;
}

test("a quantile is within the promised share of the value of its rank", () => {
  fc.assert(
    fc.property(numbers, fc.constantFrom(0, 0.5, 0.75, 0.9, 0.95, 0.99, 1), (values, q) => {
      const sorted = [...values].sort((a, b) => a - b);
      const wanted = sorted[Math.floor(q * (values.length - 1))]!;
      const found = sketchOf(values).at(q)!;
      // The smallest numbers are whole steps apart.
      const slack = Math.abs(wanted) * relativeError * (1 + 1e-9) + Number.MIN_VALUE;
      expect(Math.abs(found - wanted)).toBeLessThanOrEqual(slack);
    }),
    { numRuns: 1_000 },
  );
});

test("a quantile does not depend on the order of the values", () => {
  fc.assert(
    fc.property(numbers, (values) => {
      const reversed = sketchOf(values.toReversed());
      expect(sketchOf(values).at(0.9)).toBe(reversed.at(0.9));
    }),
    { examples: [[[-0, 0]]] },
  );
});

test("near the largest and the smallest number a quantile is no other than elsewhere", () => {
  const largest = [1e306, 1e307, 5e307, 1e308, 1.7e308];
  expect(Math.abs(sketchOf(largest).at(0.5)! / 5e307 - 1)).toBeLessThan(relativeError);
  const smallest = [1e-320, 1e-315, 1e-310, 2e-310, 3e-308];
  expect(Math.abs(sketchOf(smallest).at(0.5)! / 1e-310 - 1)).toBeLessThan(relativeError);
});

test("of no values there is none", () => {
  expect(sketchOf([]).at(0.5)).toBeNull();
});
