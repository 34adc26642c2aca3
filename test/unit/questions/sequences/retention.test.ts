import fc from "fast-check";
import { periods, type Period } from "../../../../lib/counting/calendar.ts";
import { FoldOverflow } from "../../../../lib/questions/fold.ts";
import {
  retentionFold,
  type RetentionResult,
  retentionFilter,
  type RetentionJob,
} from "../../../../lib/questions/sequences/retention.ts";
import type { StoredEvent } from "../../../../lib/event/event.ts";
import { actorsEvents, byActor, isIn, planOf } from "../../../support/actors-events.ts";
import { eventOf } from "../../../support/arbitraries.ts";
import { matchesFilter } from "../../../support/filtered.ts";
import { foldOver } from "../../../support/fold-over.ts";
import { retentionJobs, retentionOf, retentionStepMs } from "../../../support/jobs.ts";

function cohortsOf(
  actors: readonly (readonly StoredEvent[])[],
  calendar: readonly Period[],
  job: RetentionJob,
): RetentionResult["cohorts"] {
  const periodOf = ({ timestamp }: StoredEvent) =>
    calendar.findIndex(({ start, end: until }) => timestamp >= start && timestamp < until);
  return calendar.map(({ time }, cohort) => {
    const members = actors.filter(
      (own) => periodOf(own.find((event) => isIn(event, job.first))!) === cohort,
    );
    const returned = calendar.slice(cohort).map(
      (_, i) =>
        members.filter((own) => {
          const first = own.find((event) => isIn(event, job.first))!;
          return own.some(
            (event) =>
              isIn(event, job.returning) &&
              event.timestamp >= first.timestamp &&
              periodOf(event) === cohort + i,
          );
        }).length,
    );
    return { start: time, size: members.length, returned };
  });
}

function reference(all: readonly StoredEvent[], job: RetentionJob): RetentionResult {
  const events = all.filter(matchesFilter(retentionFilter(job)));
  const actors = byActor(events, job.by);
  const firsts = actors.flat().filter((event) => isIn(event, job.first));
  const { from = Math.min(...firsts.map(({ timestamp }) => timestamp)) } = job.range;
  const { to = Math.max(...actors.flat().map(({ timestamp }) => timestamp)) + 1 } = job.range;
  const calendar = periods(job.interval, job.timezone, { from, to });
  const entered = actors.filter((own) => own.some((event) => isIn(event, job.first)));
  const cohorts = cohortsOf(entered, calendar, job);
  if (job.breakdown === undefined) return { cohorts };
  const valueOf = (own: readonly StoredEvent[]) => {
    const { timestamp } = own.find((event) => isIn(event, job.first))!;
    const tied = own.filter((event) => event.timestamp === timestamp && isIn(event, job.first));
    return tied.map(planOf).sort()[0]!;
  };
  const results = [...new Set(entered.map(valueOf))]
    .map((value) => ({ value, members: entered.filter((own) => valueOf(own) === value) }))
    .sort((a, b) => b.members.length - a.members.length || (a.value < b.value ? -1 : 1))
    .map(({ value, members }) => ({ value, cohorts: cohortsOf(members, calendar, job) }));
  return { cohorts, results, valuesLeftOut: 0 };
}

test("retention is what looking at every user's events gives", () => {
  fc.assert(
    fc.property(actorsEvents(retentionStepMs), retentionJobs, (events, job) => {
      const read = events.filter(matchesFilter(retentionFilter(job)));
      expect(foldOver(retentionFold(job), read)).toEqual(reference(events, job));
    }),
    { numRuns: 400 },
  );
});

const visit = (userId: string, type: string, time: string) =>
  eventOf({ type, timestamp: Date.parse(time), metadata: { userId } });

test("a day of 23 hours is a day", () => {
  // Berlin turned its clock on 2024-03-31: the day ended at 22:00 UTC, an hour sooner than the one before.
  const events = [
    visit("u", "signup", "2024-03-30T23:00:00Z"),
    visit("u", "visit", "2024-03-31T21:59:59.999Z"),
    visit("u", "visit", "2024-03-31T22:00:00Z"),
    visit("v", "signup", "2024-03-31T22:00:00Z"),
    visit("v", "visit", "2024-04-01T22:00:00Z"),
  ];
  const job = retentionOf({
    first: { type: "signup" },
    returning: { type: "visit" },
    timezone: "Europe/Berlin",
  });
  expect(foldOver(retentionFold(job), events).cohorts).toEqual([
    { start: "2024-03-31T00:00:00+01:00", size: 1, returned: [1, 1, 0] },
    { start: "2024-04-01T00:00:00+02:00", size: 1, returned: [0, 1] },
    { start: "2024-04-02T00:00:00+02:00", size: 0, returned: [0] },
  ]);
});

test("the first event is a return of its own period where it may be one, what came before it is none", () => {
  const events = [
    visit("u", "visit", "2024-01-01T10:00:00Z"),
    visit("u", "signup", "2024-01-01T11:00:00Z"),
  ];
  const first = { type: "signup" };
  const [any] = foldOver(retentionFold(retentionOf({ first })), events).cohorts;
  expect(any).toEqual({ start: "2024-01-01T00:00:00Z", size: 1, returned: [1] });
  const returning = { type: "visit" };
  const [visits] = foldOver(retentionFold(retentionOf({ first, returning })), events).cohorts;
  expect(visits!.returned).toEqual([0]);
});

test("an open range may touch as many periods as a closed one", () => {
  const over = (last: string) => () => {
    const events = [visit("u", "a", "2023-01-01T12:00:00Z"), visit("u", "a", last)];
    return foldOver(retentionFold(retentionOf({ timezone: "Europe/Berlin" })), events).cohorts;
  };
  expect(over("2024-02-04T22:59:59.999Z")()).toHaveLength(400);
  expect(over("2024-02-04T23:00:00Z")).toThrow(FoldOverflow);
});

test("an open range with too many periods between its events is refused", () => {
  const events = [visit("u", "a", "2000-01-01T00:00:00Z"), visit("u", "a", "2024-01-01T00:00:00Z")];
  const refused = () => foldOver(retentionFold(retentionOf({})), events);
  expect(refused).toThrow(FoldOverflow);
  expect(refused).toThrow(/from 2000-01-01T00:00:00.000Z \(the oldest event asked about\)/);
  const cohorts = foldOver(retentionFold(retentionOf({ interval: "month" })), events).cohorts;
  expect(cohorts).toHaveLength(289);
});
