import { jest } from "@jest/globals";
import { CompactionBound } from "../../../../lib/store/mongo/compaction-bound.ts";
import type { Collections } from "../../../../lib/store/mongo/documents.ts";
import { day, hourMs, minuteMs } from "../../../contract/store-harness.ts";

let passedMs = 0;
beforeEach(() => {
  passedMs = 0;
  jest.spyOn(performance, "now").mockImplementation(() => passedMs);
});
afterEach(() => {
  jest.restoreAllMocks();
});

/** A database that holds nothing but the bound, for any number of processes. */
function database() {
  let n: number | undefined;
  const calls = { reads: 0, writes: 0 };
  const found = () => (n === undefined ? null : { n });
  const counters = {
    findOne: () => {
      calls.reads += 1;
      return Promise.resolve(found());
    },
    findOneAndUpdate: (_: unknown, { $max }: { readonly $max: { readonly n: number } }) => {
      calls.writes += 1;
      n = Math.max(n ?? -Infinity, $max.n);
      return Promise.resolve(found());
    },
  } as unknown as Collections["counters"];
  return { collections: { counters }, calls };
}

test("compaction goes no further than every process that stores knows", async () => {
  const { collections } = database();
  const [compactor, processor] = [new CompactionBound(), new CompactionBound()];
  const known = () => processor.current(collections);
  const upTo = async (madeUntil: number) => {
    const until = await compactor.raise(collections, madeUntil);
    expect(until).toBeLessThanOrEqual(await known());
    return until;
  };
  expect(await known()).toBe(-Infinity);
  expect(await upTo(day)).toBe(-Infinity);
  passedMs += 4_999;
  expect(await upTo(day)).toBe(-Infinity);
  passedMs += 5_001;
  expect(await upTo(day)).toBe(day);
  expect(await upTo(day + 2 * hourMs)).toBe(day + hourMs);
  passedMs += 10_000;
  expect(await upTo(day + 2 * hourMs)).toBe(day + 2 * hourMs);
  expect(await upTo(day)).toBe(day);
});

test("it is raised once an hour, never sinks, and is read every five seconds", async () => {
  const { collections, calls } = database();
  const bound = new CompactionBound(0);
  for (let at = day; at <= day + hourMs; at += minuteMs) {
    expect(await bound.raise(collections, at)).toBe(at);
  }
  expect(calls.writes).toBe(1);
  const other = new CompactionBound(0);
  expect(await other.raise(collections, day - hourMs)).toBe(day - hourMs);
  for (let second = 0; second < 10; second += 1, passedMs += 1_000) {
    expect(await other.current(collections)).toBe(day + hourMs);
  }
  expect(calls.reads).toBe(2);
});
