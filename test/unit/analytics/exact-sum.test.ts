import fc from "fast-check";
import { ExactSum } from "../../../lib/analytics/exact-sum.ts";

function sum(values: readonly number[]): number {
  const total = new ExactSum();
  for (const value of values) total.add(value);
  return total.value;
}

test.each([
  [[], 0],
  [[1e100, 1, -1e100], 1],
  [[0.1, 0.2, 0.3], 0.6],
  [Array<number>(10).fill(0.1), 1],
  [[2 ** 53, 1, 1], 2 ** 53 + 2],
  [[1, 1e-16, 1e-16], 1 + 2 ** -52],
  [[1e16, 1, 1e-16], 1e16 + 2],
  [[1e308, 1e308], Infinity],
] as const)("the sum of %j is rounded once", (values, expected) => {
  expect(sum(values)).toBe(expected);
});

test("a sum does not depend on the order", () => {
  const number = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e200, max: 1e200 });
  fc.assert(
    fc.property(fc.array(number), fc.infiniteStream(fc.nat()), (values, draws) => {
      const shuffled = values
        .map((value) => [value, draws.next().value] as const)
        .sort(([, a], [, b]) => (a as number) - (b as number))
        .map(([value]) => value);
      expect(sum(shuffled)).toBe(sum(values));
    }),
    { numRuns: 500 },
  );
});

test("halves, quarters and so on are summed as whole numbers of the smallest would be", () => {
  const part = fc.integer({ min: -(2 ** 40), max: 2 ** 40 });
  fc.assert(
    fc.property(fc.array(part), (parts) => {
      const whole = parts.reduce((total, one) => total + BigInt(one), 0n);
      expect(sum(parts.map((one) => one / 1_024))).toBe(Number(whole) / 1_024);
    }),
  );
});
