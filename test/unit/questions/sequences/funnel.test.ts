import fc from "fast-check";
import {
  funnelFold,
  type FunnelResult,
  type FunnelStep,
  funnelFilter,
  type FunnelJob,
} from "../../../../lib/questions/sequences/funnel.ts";
import type { StoredEvent } from "../../../../lib/event/event.ts";
import { readShopLog } from "../../../support/shop-log.ts";
import { actorsEvents, byActor, isIn, planOf } from "../../../support/actors-events.ts";
import { eventOf, origin } from "../../../support/arbitraries.ts";
import { foldOver } from "../../../support/fold-over.ts";
import { matchesFilter } from "../../../support/filtered.ts";
import { funnelJobs, funnelOf } from "../../../support/jobs.ts";

/**
 * The attempt from one event on: the instant of each step it reaches. Of the events that are next at one instant
 * each is tried, and none is used twice.
 */
function attempt(
  events: readonly StoredEvent[],
  used: readonly StoredEvent[],
  job: FunnelJob,
): number[] {
  const instants = used.map(({ timestamp }) => timestamp);
  const step = job.steps[used.length];
  const last = instants.at(-1)!;
  const follows = ({ timestamp }: StoredEvent) =>
    job.strictlyLater ? timestamp > last : timestamp >= last;
  const fitting = events.filter(
    (event) => step !== undefined && isIn(event, step) && follows(event) && !used.includes(event),
  );
  const next = Math.min(...fitting.map(({ timestamp }) => timestamp));
  if (fitting.length === 0 || next - instants[0]! > (job.windowMs ?? Infinity)) return instants;
  return fitting
    .filter(({ timestamp }) => timestamp === next)
    .map((event) => attempt(events, [...used, event], job))
    .sort(better)[0]!;
}

/** The longer one; of equally long ones the one whose steps are earlier. */
function better(a: readonly number[], b: readonly number[]): number {
  return b.length - a.length || a.map((it, i) => it - b[i]!).find((it) => it !== 0) || 0;
}

const span = (instants: readonly number[]) => instants.at(-1)! - instants[0]!;

/** Every actor's best attempt, among those from events that are `wanted`. */
function bestAttempts(
  events: readonly StoredEvent[],
  job: FunnelJob,
  wanted: (event: StoredEvent) => boolean,
): number[][] {
  return byActor(events, job.by).flatMap((own) =>
    own
      .filter((event) => isIn(event, job.steps[0]!) && wanted(event))
      .map((event) => attempt(own, [event], job))
      .sort((a, b) => b.length - a.length || span(a) - span(b) || better(a, b))
      .slice(0, 1),
  );
}

function stepsOf(attempts: readonly number[][], job: FunnelJob): FunnelStep[] {
  const reached = job.steps.map((_, i) => attempts.filter((instants) => instants.length > i));
  return job.steps.map(({ type }, i) => {
    const users = reached[i]!.length;
    const waits = (reached[i + 1] ?? []).map((instants) => instants[i + 1]! - instants[i]!);
    waits.sort((a, b) => a - b);
    return {
      type: type!,
      users,
      conversion: users / (attempts.length || 1),
      stepConversion: users / ((i === 0 ? attempts : reached[i - 1]!).length || 1),
      medianMs: waits[Math.ceil(waits.length * 0.5) - 1] ?? null,
      p90Ms: waits[Math.ceil(waits.length * 0.9) - 1] ?? null,
    };
  });
}

function reference(events: readonly StoredEvent[], job: FunnelJob): FunnelResult {
  const steps = stepsOf(
    bestAttempts(events, job, () => true),
    job,
  );
  if (job.breakdown === undefined) return { steps };
  const results = [...new Set(events.map(planOf))]
    .map((value) => {
      const best = bestAttempts(events, job, (event) => planOf(event) === value);
      return { value, steps: stepsOf(best, job) };
    })
    .filter(({ steps: [first] }) => first!.users > 0)
    .sort((a, b) => b.steps[0]!.users - a.steps[0]!.users || (a.value < b.value ? -1 : 1));
  return { steps, results, valuesLeftOut: 0 };
}

test("a funnel is what trying every attempt of every actor gives", () => {
  fc.assert(
    fc.property(actorsEvents(1_000), funnelJobs, (events, job) => {
      expect(foldOver(funnelFold(job), events)).toEqual(reference(events, job));
    }),
    { numRuns: 500 },
  );
});

test("the filter leaves out only what no step needs", () => {
  fc.assert(
    fc.property(actorsEvents(1_000), funnelJobs, (events, job) => {
      const needed = events.filter((event) => job.steps.some((step) => isIn(event, step)));
      expect(events.filter(matchesFilter(funnelFilter(job)))).toEqual(needed);
      expect(foldOver(funnelFold(job), needed)).toEqual(foldOver(funnelFold(job), events));
    }),
    { numRuns: 200 },
  );
});

/** A user's events, one for each letter, a second after the other; a letter in brackets ties with the one before. */
function visit(userId: string, letters: string, plan?: string): StoredEvent[] {
  let second = -1;
  return [...letters.matchAll(/\((.)\)|(.)/g)].flatMap(([, tied, letter]) => {
    if (tied === undefined) second += 1;
    if (letter === ".") return [];
    const type = tied ?? letter!;
    return eventOf({
      type,
      timestamp: origin + second * 1_000,
      metadata: { userId },
      data: { plan: plan ?? "" },
    });
  });
}

const abc = funnelOf({ steps: [{ type: "a" }, { type: "b" }, { type: "c" }] });
const usersOf = (events: readonly StoredEvent[], job: FunnelJob) =>
  foldOver(funnelFold(job), events).steps.map(({ users }) => users);

test.each([
  ["abc", undefined, [1, 1, 1]],
  ["acb", undefined, [1, 1, 0]],
  ["bca", undefined, [1, 0, 0]],
  // Of one instant the steps follow each other, whatever came first.
  ["a(b)c", undefined, [1, 1, 1]],
  ["c(b)(a)", 1_000, [1, 1, 1]],
  ["ab(c)", undefined, [1, 1, 1]],
  ["a(c).b", undefined, [1, 1, 0]],
  ["ab.c", 3_000, [1, 1, 1]],
  ["ab.c", 2_999, [1, 1, 0]],
  ["ab..abc", 2_000, [1, 1, 1]],
  // The earlier beginning gets further than the later one.
  ["abac", 3_000, [1, 1, 1]],
  ["", undefined, [0, 0, 0]],
])("%s within %s ms reaches %j", (letters, windowMs, users) => {
  expect(usersOf(visit("u", letters), { ...abc, windowMs })).toEqual(users);
});

test.each([
  ["a(b)c", [1, 0, 0]],
  ["a(b).bc", [1, 1, 1]],
  ["ab(c)", [1, 1, 0]],
  ["abc", [1, 1, 1]],
])("%s, each step strictly later, reaches %j", (letters, users) => {
  expect(usersOf(visit("u", letters), { ...abc, strictlyLater: true })).toEqual(users);
});

test("of attempts that get equally far, the shortest gives the times", () => {
  const { steps } = foldOver(funnelFold(abc), visit("u", "a..b..c.ab.c"));
  expect(steps.map(({ medianMs }) => medianMs)).toEqual([1_000, 2_000, null]);
});

test("of those that are equally short too, the earliest", () => {
  const { steps } = foldOver(funnelFold(abc), visit("u", "a.bcab.c"));
  expect(steps.map(({ medianMs }) => medianMs)).toEqual([2_000, 1_000, null]);
});

test("one event is not two steps, though it fits both", () => {
  const twice = funnelOf({ steps: [{ type: "a" }, { type: "a" }] });
  expect(usersOf(visit("u", "a"), twice)).toEqual([1, 0]);
  expect(usersOf(visit("u", "a(a)"), twice)).toEqual([1, 1]);
  expect(usersOf(visit("u", "a(a)"), { ...twice, strictlyLater: true })).toEqual([1, 0]);
  expect(usersOf(visit("u", "aa"), twice)).toEqual([1, 1]);
});

test("of one instant an event is the step that nothing else can be", () => {
  const paid = { path: ["data", "plan"], op: "is", values: ["pro"] } as const;
  const job = funnelOf({ steps: [{ type: "a" }, { type: "b" }, { type: "b", filters: paid }] });
  const [a, plain, pro] = [visit("u", "a"), visit("u", "b"), visit("u", "b", "pro")];
  expect(usersOf([...pro, ...plain, ...a], job)).toEqual([1, 1, 1]);
  expect(usersOf([...pro, ...pro, ...a], job)).toEqual([1, 1, 1]);
  expect(usersOf([...plain, ...plain, ...a], job)).toEqual([1, 1, 0]);
  expect(usersOf([...pro, ...a], job)).toEqual([1, 1, 0]);
});

test("a breakdown shows the fifty values with the most users, and tells how many more there are", () => {
  const job = funnelOf({ ...abc, breakdown: ["data", "plan"] });
  const events = Array.from({ length: 60 }, (_, i) =>
    visit(`u${i}`, "ab", `p${String(i).padStart(2, "0")}`),
  ).flat();
  const { results, valuesLeftOut } = foldOver(funnelFold(job), [
    ...events,
    ...visit("other", "abc", "p59"),
  ]);
  expect(results).toHaveLength(50);
  expect(results![0]).toMatchObject({
    value: "p59",
    steps: [{ users: 2 }, { users: 2 }, { users: 1 }],
  });
  expect(results!.at(-1)!.value).toBe("p48");
  expect(valuesLeftOut).toBe(10);
});

test("the shop's funnel", () => {
  const events = readShopLog().map((event) =>
    eventOf({ ...event, timestamp: Date.parse(event.timestamp) }),
  );
  const types = ["home", "add_to_cart", "cart", "shipping_details", "payment_details"];
  const job = funnelOf({ steps: types.map((type) => ({ type: `shop.${type}` })) });
  expect(usersOf(events, job)).toEqual([586, 488, 397, 305, 202]);
  expect(usersOf(events.toReversed(), job)).toEqual([586, 488, 397, 305, 202]);
});
