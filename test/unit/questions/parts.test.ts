import fc from "fast-check";
import type { StoredEvent } from "../../../lib/event/event.ts";
import { FoldOverflow, rowReader, type Fold } from "../../../lib/questions/fold.ts";
import { divisionOf, foldOf, type FoldJob } from "../../../lib/questions/folds.ts";
import { mailTypes, type MailJob } from "../../../lib/questions/mail/fold.ts";
import type { BreakdownJob } from "../../../lib/questions/query/breakdown.ts";
import type { Metric } from "../../../lib/questions/query/metric.ts";
import { isOfShare } from "../../../lib/questions/share.ts";
import { comparable } from "../../contract/store-analyze.contract.ts";
import { events, path } from "../../contract/store-arbitraries.ts";
import { event, minute } from "../../contract/store-harness.ts";
import { actorsEvents } from "../../support/actors-events.ts";
import { matchesFilter } from "../../support/filtered.ts";
import { foldOver } from "../../support/fold-over.ts";
import { retentionStepMs, sequenceJobs } from "../../support/jobs.ts";

/** Draws whole numbers below a bound, for whatever a run decides. */
const drawing = fc
  .infiniteStream(fc.nat())
  .map((numbers) => (bound: number) => (numbers.next().value as number) % bound);
type Draw = (bound: number) => number;

/** What folds of a job's parts took, one list for each. */
type Taken = readonly (readonly [fold: () => Fold<unknown>, events: readonly StoredEvent[]])[];

/** The events divided among some folds, as the job may be divided. */
function divided(job: FoldJob, stored: readonly StoredEvent[], draw: Draw): Taken {
  const count = 1 + draw(4);
  const parts = Array.from({ length: count }, (_, part) => part);
  if (divisionOf(job) === "shares") {
    return parts.map((part) => [() => foldOf(job, { part, of: count }), stored] as const);
  }
  const of = Map.groupBy(stored, () => draw(count));
  return parts.map((part) => [() => foldOf(job), of.get(part) ?? []] as const);
}

/** Each fold hands on what it took to another one, until one has all; some take events after parts. */
function mergedOf(job: FoldJob, taken: Taken, draw: Draw): unknown {
  const open = taken.map(([begin, list]) => {
    const fold = begin();
    const read = rowReader(fold.columns);
    for (const one of list) fold.add(read(one));
    return fold;
  });
  // One that took no events, or one that did, merges the others.
  if (draw(2) === 0) open.push(foldOf(job));
  while (open.length > 1) {
    const [from] = open.splice(draw(open.length), 1);
    open[draw(open.length)]!.merge(JSON.parse(JSON.stringify(from!.partial())));
  }
  return open[0]!.finish();
}

/** The answer as a text, groups in their order; or that there is none. */
function answerOf(job: FoldJob, fold: () => unknown): unknown {
  try {
    const answer = fold();
    return job.kind === "breakdown" ? comparable(answer as never) : answer;
  } catch (error) {
    if (error instanceof FoldOverflow) return error.name;
    throw error;
  }
}

/** How often parts of a job came to what all its events come to. */
function check(job: FoldJob, stored: readonly StoredEvent[], draw: Draw): void {
  const whole = answerOf(job, () => foldOver(foldOf(job), stored));
  const merged = answerOf(job, () => mergedOf(job, divided(job, stored, draw), draw));
  expect(JSON.stringify(merged)).toBe(JSON.stringify(whole));
}

const runs = { numRuns: Number(process.env["RUNS"] ?? 400) };

test("a breakdown of any parts, merged in any order, is that of all events to the byte", () => {
  const metric: fc.Arbitrary<Metric> = fc.oneof(
    fc.constantFrom<Metric[]>({ op: "count" }, { op: "uniques" }),
    fc.record({ op: fc.constantFrom("sum", "avg", "min", "max"), path }),
    fc.record({ op: fc.constant("quantile"), q: fc.constantFrom(0, 0.5, 0.9), path }),
  );
  const job: fc.Arbitrary<BreakdownJob> = fc.record({
    kind: fc.constant("breakdown"),
    metrics: fc.array(metric, { minLength: 1, maxLength: 3 }),
    dimensions: fc.array(
      fc.oneof(fc.record({ path }), fc.constant<{ time: true }>({ time: true })),
      { maxLength: 2 },
    ),
    periods: fc.constant([
      { start: minute, end: minute + 1 },
      { start: minute + 1, end: minute + 9 },
    ]),
    totals: fc.boolean(),
    maxGroups: fc.constantFrom(3, 1_000),
  });
  fc.assert(
    fc.property(events, job, drawing, (stored, asked, draw) => check(asked, stored, draw)),
    runs,
  );
});

test("sums, quantiles and users of many numbers are those of all events to the byte", () => {
  const paths = [["data", "n"]] as const;
  const asked: BreakdownJob = {
    kind: "breakdown",
    metrics: [
      { op: "uniques" },
      ...(["sum", "avg", "min", "max"] as const).map((op) => ({ op, path: paths[0] })),
      { op: "quantile", q: 0.9, path: paths[0] },
    ],
    dimensions: [{ path: ["data", "plan"] }],
    totals: true,
    maxGroups: 10,
  };
  const number = fc.double({ noNaN: true, noDefaultInfinity: true });
  fc.assert(
    fc.property(fc.array(number, { maxLength: 20 }), drawing, (numbers, draw) => {
      // More users than are counted exactly.
      const stored = Array.from({ length: 1_200 }, (_, i) =>
        event(`e${i}`, {
          metadata: { userId: `u${i}` },
          data: { plan: `p${i % 3}`, ...(i < numbers.length && { n: numbers[i]! }) },
        }),
      );
      check(asked, stored, draw);
    }),
    { numRuns: 12 },
  );
});

test("the extent of any parts is that of all events", () => {
  fc.assert(
    fc.property(events, drawing, (stored, draw) => check({ kind: "extent" }, stored, draw)),
    { numRuns: 50 },
  );
});

test("funnels, retention and paths of shares are those of all users to the byte (any question)", () => {
  fc.assert(
    fc.property(
      actorsEvents(retentionStepMs, 60),
      sequenceJobs,
      drawing,
      (drawn, [asked, filter], draw) => check(asked, drawn.filter(matchesFilter(filter)), draw),
    ),
    runs,
  );
});

test("a mail report of shares is that of all mails to the byte", () => {
  const some = <T>(...values: readonly T[]) => fc.constantFrom(...values);
  const mails = fc
    .array(
      fc.record(
        {
          type: some(...mailTypes),
          correlationId: some("m1", "m2", "m3"),
          timestamp: fc.integer({ min: minute, max: minute + 9 }),
          metadata: fc.record(
            {
              userId: some<string | number>("u1", "u2", 7),
              recipient: some("a@x.org", "B@x.org"),
              campaignId: some<string | number | null>("a", "b", 7, null, ""),
            },
            { requiredKeys: [] },
          ),
          context: fc.record({ machine: fc.boolean() }, { requiredKeys: [] }),
          data: fc.record({ kind: some("hard", "soft") }, { requiredKeys: [] }),
        },
        { requiredKeys: ["type", "timestamp", "context"] },
      ),
      { maxLength: 60 },
    )
    .map((parts) => parts.map((part, i) => event(`e${i}`, part as Partial<StoredEvent>)));
  const job: fc.Arbitrary<MailJob> = fc.record(
    {
      kind: fc.constant("mail"),
      groupBy: some(["metadata", "campaignId"] as const),
      limit: fc.integer({ min: 1, max: 4 }),
      sentWithin: fc.record({
        from: some(-Infinity, minute, minute + 3),
        to: some(Infinity, minute + 6),
      }),
    },
    { requiredKeys: ["kind", "limit"] },
  );
  fc.assert(
    fc.property(mails, job, drawing, (stored, asked, draw) => check(asked, stored, draw)),
    runs,
  );
});

test("shares are of about the same size, whatever names look like", () => {
  for (const name of [
    (i: number) => `user-${i}`,
    (i: number) => `${i}00`,
    (i: number) => `${i * 7}@x.org`,
  ]) {
    const names = Array.from({ length: 3_000 }, (_, i) => name(i));
    for (const count of [2, 3, 8]) {
      const sizes = Array.from(
        { length: count },
        (_, part) => names.filter((one) => isOfShare({ part, of: count }, one)).length,
      );
      expect(sizes.reduce((sum, size) => sum + size)).toBe(names.length);
      expect(Math.max(...sizes)).toBeLessThan((1.2 * names.length) / count);
    }
  }
});
