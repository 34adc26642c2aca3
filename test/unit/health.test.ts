import { jest } from "@jest/globals";
import { KnownAnswer } from "../../lib/concurrency/coalesce.ts";
import { aggregatorHealth, consumerHealth, type DirtyBacklog } from "../../lib/health.ts";

const depth = {
  messages: 1,
  sizeBytes: 1,
  maxBytes: null,
  oldestReceivedAt: 1_000_000,
  dueSince: 1_000_000,
  dead: 0,
};
const at = { now: 1_000_000, sinceDoneMs: 0, held: null };
const hour = 3_600_000;

test.each([
  ["a backlog that is young", 1_000, hour, "ok"],
  ["an old backlog that moves", hour, 1_000, "ok"],
  ["an old backlog that does not move", hour, hour, "down"],
  ["one received by a clock that is a second ahead", -1_000, hour, "ok"],
  ["one received before the clock was set back", -hour, hour, "down"],
  ["one received before the clock was set back, that moves", -hour, 1_000, "ok"],
])("%s", (_what, ageMs, sinceDoneMs, state) => {
  const health = consumerHealth(depth, { ...at, now: 1_000_000 + ageMs, sinceDoneMs });
  expect(health.state).toBe(state);
  expect(health.lagMs).toBe(Math.max(0, ageMs));
});

test("a batch that waits for its next try is no stall", () => {
  const late = { ...at, now: 1_000_000 + hour, sinceDoneMs: hour };
  const health = consumerHealth({ ...depth, dueSince: null }, late);
  expect(health).toEqual({ state: "ok", backlog: 1, lagMs: hour });
});

describe("the aggregator's health behind a store", () => {
  const dirty: DirtyBacklog = { marks: 7, oldestMarkedAt: 1_000_000 };
  const soon = () => 1_001_000;

  beforeEach(() => jest.useFakeTimers({ doNotFake: ["nextTick", "queueMicrotask"] }));
  afterEach(() => jest.useRealTimers());

  /** Health, asked again and again while the store finds what is dirty by hand. */
  function behind(found: () => Promise<DirtyBacklog>) {
    const known = new KnownAnswer(found);
    return async (waitMs: number) => {
      const health = aggregatorHealth(known, soon);
      await jest.advanceTimersByTimeAsync(waitMs);
      return health;
    };
  }

  test("that answers is ok, and tells the backlog", async () => {
    const ask = behind(() => Promise.resolve(dirty));
    expect(await ask(0)).toEqual({ state: "ok", backlog: 7, lagMs: 1_000 });
  });

  test("that takes longer than health may is slow, not down, with the backlog last found", async () => {
    const begun: PromiseWithResolvers<DirtyBacklog>[] = [];
    const ask = behind(() => {
      begun.push(Promise.withResolvers());
      return begun.at(-1)!.promise;
    });
    const reason = "the store answers slowly";
    expect(await ask(1_000)).toEqual({ state: "degraded", reason });
    begun[0]!.resolve(dirty);
    await jest.advanceTimersByTimeAsync(0);
    expect(await ask(1_000)).toEqual({ state: "degraded", reason, backlog: 7, lagMs: 1_000 });
    expect(await ask(1_000)).toMatchObject({ state: "degraded" });
    expect(await ask(30_000)).toMatchObject({ state: "degraded" });
    expect(await ask(1_000)).toMatchObject({ state: "down", reason: "the store is away" });
    begun.at(-1)!.resolve(dirty);
    await jest.advanceTimersByTimeAsync(0);
    expect(await ask(1_000)).toMatchObject({ state: "degraded" });
  });

  test("that fails is away, until it answers again", async () => {
    const answers = [Promise.reject(new Error("away")), Promise.resolve(dirty)];
    answers[0]!.catch(() => undefined);
    const ask = behind(() => answers.shift()!);
    expect(await ask(0)).toEqual({ state: "down", reason: "the store is away" });
    expect(await ask(0)).toMatchObject({ state: "ok" });
  });
});
