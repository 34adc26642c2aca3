import fc from "fast-check";
import { ExactSum } from "../../../../lib/questions/query/exact-sum.ts";

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
  [[1e308, 1e308, -1e308], 1e308],
  [[-1e308, -1e308, 1e308, 1e308], 0],
  [[1e308, 5e-324, -1e308], 5e-324],
  [[1e308, 1, -1e308, 0.5], 1.5],
  // Half of the last digit, and a little more.
  [[2 ** 1023, 2 ** 970, 5e-324], 2 ** 1023 + 2 ** 971],
  [[2 ** 1023, 2 ** 970, -5e-324], 2 ** 1023],
  [[5e-324, 5e-324], 1e-323],
  [[-0, -0], 0],
] as const)("the sum of %j is rounded once", (values, expected) => {
  expect(sum(values)).toBe(expected);
});

test("the mean of numbers whose sum is too large is a number", () => {
  const total = new ExactSum();
  for (const value of [1e308, 1.5e308, 1.7e308]) total.add(value);
  expect(total.value).toBe(Infinity);
  expect(total.by(3)).toBe(1.4e308);
});

/** Of any size, often alike or nearly opposite, so that much cancels out. */
const number = fc
  .tuple(
    fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.constantFrom(1e308, Number.MAX_VALUE, 2 ** 960, 2 ** 1023, 5e-324, 2 ** -1022, 0.1, 3),
    ),
    fc.constantFrom(1, -1),
  )
  .map(([size, sign]) => size * sign);

/** As a multiple of the smallest number there is. */
function whole(value: number): bigint {
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, Math.abs(value));
  const all = bits.getBigUint64(0);
  const exponent = all >> 52n;
  const digits = all & ((1n << 52n) - 1n);
  const size = exponent === 0n ? digits : (digits | (1n << 52n)) << (exponent - 1n);
  return value < 0 ? -size : size;
}

/** The nearest number to a multiple of the smallest one; of two the even one. */
function nearest(multiple: bigint): number {
  const size = multiple < 0n ? -multiple : multiple;
  const shift = BigInt(Math.max(0, size.toString(2).length - 53));
  const [kept, rest] = [size >> shift, size & ((1n << shift) - 1n)];
  const half = shift === 0n ? 1n : 1n << (shift - 1n);
  const up = rest > half || (shift > 0n && rest === half && (kept & 1n) === 1n) ? 1n : 0n;
  const exponent = Number(shift) - 1_074;
  const [first, then] = [Math.floor(exponent / 2), Math.ceil(exponent / 2)];
  const value = Number(kept + up) * 2 ** first * 2 ** then;
  return multiple < 0n ? -value : value;
}

test("a sum is the nearest number to the true one, of numbers of any size in any order", () => {
  fc.assert(
    fc.property(fc.array(number, { maxLength: 12 }), (values) => {
      expect(sum(values)).toBe(nearest(values.reduce((total, one) => total + whole(one), 0n)) + 0);
    }),
    { numRuns: 2_000 },
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
