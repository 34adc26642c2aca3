import { jest } from "@jest/globals";
import fc from "fast-check";
import { ConnectionError, ProblemError } from "../../../client/src/errors.ts";
import { after, isPassing, pauseMs, retryAfterMs } from "../../../client/src/waiting.ts";

const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

test("no attempt comes sooner than the service asked for, and none waits without bound", () => {
  const attempts = fc.integer({ min: 1, max: 2_000 });
  const asked = fc.integer({ min: 0, max: 3_600_000 });
  fc.assert(
    fc.property(attempts, asked, random, (attempt, told, chance) => {
      const waitMs = pauseMs(attempt, told, chance);
      expect(waitMs).toBeGreaterThanOrEqual(told);
      expect(waitMs).toBeLessThanOrEqual(told + 30_000);
    }),
  );
});

test("without being asked waits double up to half a minute, each spread over its second half", () => {
  const most = [1, 2, 3, 7, 100].map((attempt) => pauseMs(attempt, undefined, 0.999_999));
  expect(most.map(Math.round)).toEqual([500, 1_000, 2_000, 30_000, 30_000]);
  const least = [1, 2, 3, 7].map((attempt) => pauseMs(attempt, undefined, 0));
  expect(least).toEqual([250, 500, 1_000, 15_000]);
});

test("Retry-After is seconds or a date", () => {
  const now = Date.parse("2026-01-01T00:00:00Z");
  expect(retryAfterMs("5", now)).toBe(5_000);
  expect(retryAfterMs("Thu, 01 Jan 2026 00:00:07 GMT", now)).toBe(7_000);
  expect(retryAfterMs("Wed, 31 Dec 2025 00:00:00 GMT", now)).toBe(0);
  expect(retryAfterMs("soon", now)).toBeUndefined();
  expect(retryAfterMs(null, now)).toBeUndefined();
});

test("another attempt may help after no answer, and after any that does not blame the request", () => {
  const answered = (status: number) =>
    new ProblemError({ type: "about:blank", title: "t", status, instance: "/", requestId: "r" });
  expect(isPassing(new ConnectionError("cut"))).toBe(true);
  for (const status of [408, 425, 429, 500, 502, 503, 504, 506, 507, 508, 511, 520, 524, 530, 599])
    expect([status, isPassing(answered(status))]).toEqual([status, true]);
  for (const status of [400, 401, 403, 404, 409, 413, 415, 422, 501, 505])
    expect([status, isPassing(answered(status))]).toEqual([status, false]);
  expect(isPassing(new Error("another"))).toBe(false);
});

describe("a timer", () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());
  const call = jest.fn();
  beforeEach(() => call.mockClear());

  test.each([1, 2 ** 31 - 1, 2 ** 31, 10 ** 11])("of %d ms calls back once, not before", (ms) => {
    after(ms, call);
    jest.advanceTimersByTime(ms - 1);
    expect(call).toHaveBeenCalledTimes(0);
    jest.advanceTimersByTime(10 ** 11);
    expect(call).toHaveBeenCalledTimes(1);
  });

  test.each([Infinity, 10 ** 20])("of %d ms does not call back in a hundred years", (ms) => {
    after(ms, call);
    jest.advanceTimersByTime(100 * 366 * 86_400_000);
    expect(call).toHaveBeenCalledTimes(0);
  });

  test.each([1, 2 ** 33])("of %d ms that is stopped does not call back", (ms) => {
    const stop = after(ms, call);
    jest.advanceTimersByTime(ms - 1);
    stop();
    jest.advanceTimersByTime(2 * ms);
    expect(call).toHaveBeenCalledTimes(0);
    expect(jest.getTimerCount()).toBe(0);
  });
});
