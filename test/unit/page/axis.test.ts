import fc from "fast-check";
import { axisOf, extentOf } from "../../../page/pure/axis.ts";

test("an axis begins at 0 and has four lines above it; few things are counted in whole steps", () => {
  expect(axisOf([0, 2_310], true)).toEqual([0, 600, 1_200, 1_800, 2_400]);
  expect(axisOf([0, 3], true)).toEqual([0, 1, 2, 3]);
  expect(axisOf([0, 0], true)).toEqual([0, 1, 2, 3, 4]);
});

test("an axis goes below 0 as far as values do, in equal steps through 0", () => {
  expect(axisOf([-230, 0], false)).toEqual([-300, -200, -100, 0]);
  expect(axisOf([-12.5, 30], false)).toEqual([-20, 0, 20, 40]);
  expect(axisOf([-0.3, 0.1], false)).toEqual([-0.3, -0.2, -0.1, 0, 0.1]);
  const ends = fc.double({ min: 1e-9, max: 1e9, noNaN: true });
  fc.assert(
    fc.property(ends, fc.oneof(fc.constant(0), ends), (below, above) => {
      const lines = axisOf([-below, above], false);
      const [first = 0, second = 0] = lines;
      // A millionth of a step is less than a picture shows.
      const unseen = (second - first) * 0.000002;
      expect(first).toBeLessThanOrEqual(unseen - below);
      expect(lines.at(-1)).toBeGreaterThanOrEqual(above - unseen);
      expect(lines).toContain(0);
      expect(lines.length).toBeGreaterThanOrEqual(4);
      expect(lines.length).toBeLessThanOrEqual(6);
    }),
  );
});

test("a chart reaches as far as its values, stacked ones as their sums on either side of 0", () => {
  const series = [
    { values: [1, -2, null], previous: [9, -9, 0] },
    { values: [3, -4, -1] },
    { values: [-5, 6, 0] },
  ];
  const extent = (isStacked: boolean, withPrevious: boolean) =>
    extentOf(series, { isStacked, withPrevious });
  expect(extent(false, false)).toEqual([-5, 6]);
  expect(extent(true, false)).toEqual([-6, 6]);
  expect(extent(false, true)).toEqual([-9, 9]);
  expect(extentOf([{ values: [2, 5] }], { isStacked: true, withPrevious: false })).toEqual([0, 5]);
  expect(extentOf([], { isStacked: false, withPrevious: true })).toEqual([0, 0]);
});
