import { consumerHealth } from "../../lib/health.ts";

const depth = { messages: 1, sizeBytes: 1, maxBytes: null, oldestReceivedAt: 1_000_000, dead: 0 };
const at = { now: 1_000_000, sinceDoneMs: 0, held: false };
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
