import { Pulse, barCount } from "../../../lib/live/pulse.ts";

const quiet = new Array<number>(barCount).fill(0);

test("a second tells its project's types, the most frequent first, and moves the bars on", () => {
  const pulse = new Pulse([...quiet.slice(1), 7]);
  pulse.add("p", [
    ["p", "b", 2],
    ["q", "b", 50],
    ["p", "a", 2],
  ]);
  pulse.add("p", [["p", "c", 3]]);
  expect(pulse.tick()).toEqual({
    perSecond: 7,
    types: [
      { type: "c", count: 3 },
      { type: "a", count: 2 },
      { type: "b", count: 2 },
    ],
  });
  expect(pulse.tick()).toEqual({ perSecond: 0, types: [] });
  expect(pulse.bars.slice(-3)).toEqual([7, 7, 0]);
  expect(pulse.bars).toHaveLength(barCount);
});

test("types beyond the first twenty are told together, so that the sum is the second's", () => {
  const pulse = new Pulse(quiet);
  const counts = Array.from({ length: 25 }, (_, i) => ["p", `t${i}`, 100 - i] as const);
  pulse.add("p", counts);
  const { perSecond, types, other } = pulse.tick();
  expect(types).toHaveLength(20);
  expect(other).toBe(80 + 79 + 78 + 77 + 76);
  expect(types.reduce((sum, { count }) => sum + count, 0) + other!).toBe(perSecond);
});
