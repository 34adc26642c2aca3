import fc from "fast-check";

/** JSON values that stay the same on their way: with numbers that a double keeps. */
export function jsonValues(maxDepth = 3): fc.Arbitrary<unknown> {
  const { MIN_SAFE_INTEGER: min, MAX_SAFE_INTEGER: max } = Number;
  const numbers = fc
    .oneof(fc.double({ min, max, noNaN: true }), fc.integer(), fc.constantFrom(min, max))
    .filter((number) => number === 0 || Math.abs(number) >= 2 ** -1_022)
    // JSON has one zero.
    .map((number) => number + 0);
  const texts = fc.string({ unit: "binary" });
  return fc.anything({
    key: texts,
    values: [texts, numbers, fc.boolean(), fc.constant(null)],
    maxDepth,
  });
}
