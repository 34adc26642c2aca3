import { jest } from "@jest/globals";
import type { Collections } from "../../../../lib/store/mongo/documents.ts";
import { Feed } from "../../../../lib/store/mongo/feed.ts";
import { orderRecordedMs } from "../../../../lib/store/stored.ts";

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
