import { jest } from "@jest/globals";
import type { Collections, FeedDocument } from "../../../../lib/store/mongo/documents.ts";
import { Feed } from "../../../../lib/store/mongo/feed.ts";
import { bulkError } from "../../../fixtures/mongo-errors.ts";
import { orderRecordedMs, type Place, type StoredQuery } from "../../../../lib/store/stored.ts";

afterEach(() => {
  jest.restoreAllMocks();
});

test("a process that begins after the clock was set back records the order no longer than a follower asks for", async () => {
  let passedMs = 0;
  jest.spyOn(performance, "now").mockImplementation(() => passedMs);
  const until = Date.now() + 86_400_000;
  const findOne = () => Promise.resolve({ _id: "followedUntil", n: until });
  const collections = { counters: { findOne } } as unknown as Collections;
  const feed = new Feed(60_000);
  expect(await feed.isRecorded(collections)).toBe(true);
  passedMs = orderRecordedMs - 1;
  expect(await feed.isRecorded(collections)).toBe(true);
  passedMs = orderRecordedMs;
  expect(await feed.isRecorded(collections)).toBe(false);
});

/** More than the position of any event within its batch. */
const whole = 1_000_000;

const query: StoredQuery = {
  after: null,
  projects: ["p"],
  counted: [],
  limit: 500,
  window: 10_000,
};

function batchOf(n: number): FeedDocument {
  return { _id: `b${n}`, n, project: "p", ids: [`e${n}`], types: '{"a":1}' };
}

/** A database with the batches of these numbers, of one event each, and what is written to it. */
function database(numbers: readonly number[], body = "{}") {
  const counts = new Map([["feed", numbers.at(-1) ?? 0]]);
  const feed = numbers.map(batchOf);
  const eventOf = (_id: string) => {
    const id = _id.slice("p:".length);
    const times = { timestamp: 0, receivedAt: 0 };
    return { _id, project: "p", id, batch: "b", ...times, type: "a", source: "s", hash: "", body };
  };
  const found = (all: readonly FeedDocument[]) => ({
    sort: () => found(all.toSorted((a, b) => a.n - b.n)),
    limit: (count: number) => found(all.slice(0, count)),
    project: () => found(all),
    toArray: () => Promise.resolve(all),
    async *[Symbol.asyncIterator]() {
      yield* await Promise.resolve(all);
    },
  });
  const collections = {
    feed: {
      find: ({ n: { $gte = -Infinity, $gt = -Infinity } }: { readonly n: Bounds }) =>
        found(feed.filter(({ n }) => n >= $gte && n > $gt)),
      insertMany: (documents: readonly FeedDocument[]) => {
        const places = documents.flatMap((document, at) => {
          const isThere = feed.some(({ _id, n }) => _id === document._id || n === document.n);
          if (!isThere) feed.push(document);
          return isThere ? [at] : [];
        });
        if (places.length === 0) return Promise.resolve();
        return Promise.reject(bulkError({ codes: places.map(() => 11_000), places }));
      },
    },
    events: {
      find: ({ _id }: { readonly _id: { readonly $in: readonly string[] } }) => ({
        toArray: () => Promise.resolve(_id.$in.map(eventOf)),
      }),
    },
    counters: {
      findOne: ({ _id }: { readonly _id: string }) => {
        const n = counts.get(_id);
        return Promise.resolve(n === undefined ? null : { _id, n });
      },
      findOneAndUpdate: ({ _id }: { readonly _id: string }) => {
        counts.set(_id, (counts.get(_id) ?? 0) + 1);
        return Promise.resolve({ _id, n: counts.get(_id)! });
      },
      updateOne: (
        { _id }: { readonly _id: string },
        { $max }: { readonly $max: { n: number } },
      ) => {
        counts.set(_id, Math.max(counts.get(_id) ?? 0, $max.n));
        return Promise.resolve();
      },
    },
  } as unknown as Collections;
  return { collections, counts, feed };
}

interface Bounds {
  readonly $gte?: number;
  readonly $gt?: number;
}

describe("what is stored behind a place", () => {
  let passedMs: number;
  beforeEach(() => {
    passedMs = 0;
    jest.spyOn(performance, "now").mockImplementation(() => passedMs);
  });

  test("numbers whose batches never came are waited for together, and once", async () => {
    const { collections } = database([1, 3, 5, 7, 9]);
    const feed = new Feed();
    const endBehind = async (n: number) =>
      (await feed.stored(collections, { ...query, after: [n, whole] })).end[0];
    expect(await endBehind(1)).toBe(1);
    passedMs = 1_999;
    expect(await endBehind(1)).toBe(1);
    passedMs = 2_000;
    expect(await endBehind(1)).toBe(9);
    // A reader that comes later, and further behind.
    expect(await endBehind(9)).toBe(9);
    expect(await endBehind(3)).toBe(9);
    expect((await new Feed().stored(collections, { ...query, after: [1, whole] })).end[0]).toBe(9);
  });

  test("a batch that comes just before its number is closed has its place", async () => {
    const { collections, feed: batches } = database([1, 3]);
    const feed = new Feed();
    const behind = () => feed.stored(collections, { ...query, after: [1, whole] });
    expect((await behind()).events).toEqual([]);
    passedMs = 2_000;
    const insertMany = collections.feed.insertMany.bind(collections.feed);
    jest.spyOn(collections.feed, "insertMany").mockImplementation((...of) => {
      batches.push(batchOf(2));
      return insertMany(...of);
    });
    expect((await behind()).events.map(({ event: { id } }) => id)).toEqual(["e2", "e3"]);
  });

  test("more closed numbers than one read has hide nothing behind them", async () => {
    const { collections } = database([1, 1_200]);
    const feed = new Feed();
    let after: Place = [1, whole];
    const ids: string[] = [];
    for (passedMs = 0; passedMs < 10_000; passedMs += 1_000) {
      const { events, upTo } = await feed.stored(collections, { ...query, after });
      ids.push(...events.map(({ event: { id } }) => id));
      after = upTo;
    }
    expect(ids).toEqual(["e1200"]);
  });

  test("a number that may still come is no gap, and one that was removed is", async () => {
    const feed = new Feed();
    const recent = database([12, 13]).collections;
    const waiting = await feed.stored(recent, { ...query, after: [10, whole] });
    expect(waiting).toMatchObject({ hasGap: false, isHeld: true, end: [10, whole] });
    const { collections } = database([20_000, 30_000]);
    const passed = await feed.stored(collections, { ...query, after: [10, whole] });
    const gap = { hasGap: true, isHeld: false, events: [], upTo: [30_000, whole] };
    expect(passed).toMatchObject(gap);
    expect(await feed.stored(collections, { ...query, after: [30_001, 0] })).toMatchObject(gap);
    const kept = await feed.stored(collections, { ...query, after: [20_000, whole] });
    expect(kept).toMatchObject({ hasGap: false, end: [20_000, whole] });
  });

  test("the window holds as many events as it says, in however many batches", async () => {
    const { collections } = database(Array.from({ length: 1_200 }, (_, i) => i + 1));
    const feed = new Feed();
    const isHeld = async (window: number) =>
      (await feed.stored(collections, { ...query, after: [0, whole], window })).isHeld;
    expect([await isHeld(10_000), await isHeld(1_200), await isHeld(1_199)]).toEqual([
      true,
      true,
      false,
    ]);
  });

  test("a type is counted once, however many batches have it", async () => {
    const { collections } = database(Array.from({ length: 300 }, (_, i) => i + 1));
    const { counts } = await new Feed().stored(collections, { ...query, after: [0, whole] });
    expect(counts).toEqual([["p", "a", 300]]);
  });

  test("large events come a few at a time", async () => {
    const body = JSON.stringify({ data: { text: "x".repeat(60_000) } });
    const { collections } = database(
      Array.from({ length: 100 }, (_, i) => i + 1),
      body,
    );
    const feed = new Feed();
    const ids: string[] = [];
    const sizes: number[] = [];
    for (let after: Place = [0, whole]; after[0] < 100;) {
      const { events, upTo, end } = await feed.stored(collections, { ...query, after });
      expect(end[0]).toBe(100);
      ids.push(...events.map(({ event: { id } }) => id));
      sizes.push(events.length);
      after = upTo;
    }
    expect(ids).toEqual(Array.from({ length: 100 }, (_, i) => `e${i + 1}`));
    expect(sizes).toEqual([69, 31]);
  });

  test("a gap is marked where the order was not recorded for a time, and only there", async () => {
    const { collections, counts } = database([1, 2]);
    const feed = new Feed();
    const hasGap = async (n: number) =>
      (await feed.stored(collections, { ...query, after: [n, whole] })).hasGap;
    await feed.recordFor(collections, orderRecordedMs);
    expect([counts.get("feed"), await hasGap(2), await hasGap(3)]).toEqual([3, true, false]);
    await feed.recordFor(collections, orderRecordedMs);
    expect(counts.get("feed")).toBe(3);
    counts.set("followedUntil", Date.now() - 1);
    await feed.recordFor(collections, orderRecordedMs);
    expect([counts.get("feed"), await hasGap(3), await hasGap(4)]).toEqual([4, true, false]);
  });
});
