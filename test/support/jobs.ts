import fc from "fast-check";
import type { FoldJob } from "../../lib/questions/folds.ts";
import type { OpenFilter } from "../../lib/questions/reading/filter-parameters.ts";
import { funnelFilter, type FunnelJob } from "../../lib/questions/sequences/funnel.ts";
import { pathsFilter, type PathsJob } from "../../lib/questions/sequences/paths.ts";
import { retentionFilter, type RetentionJob } from "../../lib/questions/sequences/retention.ts";
import { actorKinds, selections } from "./actors-events.ts";
import { origin } from "./arbitraries.ts";

export const funnelOf = (fields: Partial<FunnelJob>): FunnelJob => ({
  kind: "funnel",
  steps: [],
  strictlyLater: false,
  by: "user",
  range: {},
  ...fields,
});

export const funnelJobs: fc.Arbitrary<FunnelJob> = fc
  .record(
    {
      steps: fc.array(selections, { minLength: 2, maxLength: 4 }),
      windowMs: fc.integer({ min: 1, max: 14 }).map((steps) => steps * 1_000),
      strictlyLater: fc.boolean(),
      by: actorKinds,
      breakdown: fc.constant(["data", "plan"] as const),
    },
    { requiredKeys: ["steps", "by"] },
  )
  .map(funnelOf);

/** Between the instants of events: over five days and changes of the clock. */
export const retentionStepMs = 9 * 3_600_000;
const spanMs = 13 * retentionStepMs;

export const retentionOf = (fields: Partial<RetentionJob>): RetentionJob => ({
  kind: "retention",
  first: {},
  returning: {},
  interval: "day",
  timezone: "UTC",
  by: "user",
  range: {},
  ...fields,
});

const end = fc.option(fc.integer({ min: origin, max: origin + spanMs }), { nil: undefined });
export const retentionJobs: fc.Arbitrary<RetentionJob> = fc
  .record(
    {
      first: fc.oneof(selections, fc.constant({})),
      returning: fc.oneof(selections, fc.constant({})),
      interval: fc.constantFrom("day", "week", "month"),
      // The first of these turns its clock on the first day, the second one skips a whole date at times.
      timezone: fc.constantFrom("America/New_York", "Pacific/Apia", "UTC"),
      by: actorKinds,
      range: fc
        .tuple(end, end)
        .filter(([from, to]) => from === undefined || to === undefined || from < to)
        .map(([from, to]) => ({ from, to })),
      breakdown: fc.constant(["data", "plan"] as const),
    },
    { requiredKeys: ["first", "returning", "interval", "timezone", "by", "range"] },
  )
  .map((fields) => retentionOf(fields as Partial<RetentionJob>));

export const pathsJobs: fc.Arbitrary<PathsJob> = fc.record({
  kind: fc.constant("paths"),
  after: selections,
  length: fc.integer({ min: 1, max: 5 }),
  by: actorKinds,
  limit: fc.constantFrom(2, 1_000),
  range: fc.constant({}),
});

/** Funnels, retention and paths, each with the filter of the events that it is to be given. */
export const sequenceJobs: fc.Arbitrary<readonly [FoldJob, OpenFilter]> = fc.oneof(
  funnelJobs.map((job) => [job, funnelFilter(job)] as const),
  retentionJobs.map((job) => [job, retentionFilter(job)] as const),
  pathsJobs.map((job) => [job, pathsFilter(job)] as const),
);
