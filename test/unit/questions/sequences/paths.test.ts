import fc from "fast-check";
import { FoldOverflow } from "../../../../lib/questions/fold.ts";
import { PathTree } from "../../../../lib/questions/sequences/path-tree.ts";
import {
  pathsFold,
  type PathsResult,
  readPathsJob,
  type PathsJob,
} from "../../../../lib/questions/sequences/paths.ts";
import type { StoredEvent } from "../../../../lib/event/event.ts";
import { readShopLog } from "../../../support/shop-log.ts";
import { actorsEvents, byActor, isIn } from "../../../support/actors-events.ts";
import { eventOf } from "../../../support/arbitraries.ts";
import { findingsOf } from "../../../support/findings-of.ts";
import { foldOver } from "../../../support/fold-over.ts";
import { pathsJobs } from "../../../support/jobs.ts";

/** Texts in the order of code units, one after the other; lists as JSON would not do. */
function compareLists(a: readonly string[], b: readonly string[]): number {
  const differs = a.findIndex((text, i) => text !== b[i]);
  if (differs < 0 || differs >= b.length) return a.length - b.length;
  return a[differs]! < b[differs]! ? -1 : 1;
}

function reference(events: readonly StoredEvent[], job: PathsJob): PathsResult {
  const begins = (event: StoredEvent) => Number(isIn(event, job.after));
  const found = byActor(events, job.by).flatMap((own, user) => {
    const ordered = [...own].sort(
      (a, b) =>
        a.timestamp - b.timestamp || compareLists([a.type], [b.type]) || begins(a) - begins(b),
    );
    return ordered.flatMap((event, i) => {
      const types = ordered.slice(i + 1, i + 1 + job.length).map(({ type }) => type);
      return begins(event) ? [{ types, user }] : [];
    });
  });
  const users = (of: typeof found) => new Set(of.map(({ user }) => user)).size;
  const paths = Map.groupBy(found, ({ types }) => JSON.stringify(types))
    .values()
    .map((same) => ({ types: same[0]!.types, count: same.length, users: users(same) }))
    .toArray()
    .sort((a, b) => b.count - a.count || compareLists(a.types, b.types));
  return {
    paths: paths.slice(0, job.limit),
    pathsLeftOut: Math.max(0, paths.length - job.limit),
    total: { count: found.length, users: users(found) },
  };
}

test("paths are what looking behind every event gives", () => {
  fc.assert(
    fc.property(actorsEvents(1_000), pathsJobs, (events, job) => {
      expect(foldOver(pathsFold(job), events)).toEqual(reference(events, job));
    }),
    { numRuns: 400 },
  );
});

test("the shop's paths, in any order of its events", () => {
  const events = readShopLog().map((event) =>
    eventOf({ ...event, timestamp: Date.parse(event.timestamp) }),
  );
  const job = readPathsJob({ after: { type: "shop.payment_details" }, length: 2, by: "session" });
  const result = foldOver(pathsFold(job), events);
  expect(result).toEqual(reference(events, job));
  expect(result).toEqual(foldOver(pathsFold(job), events.toReversed()));
  expect(result.total.count).toBe(709);
});

test("too many different paths are refused", () => {
  const tree = new PathTree(Array.from({ length: 1_000_001 }, (_, i) => `t${i}`));
  const take = (type: number) => {
    tree.begin();
    tree.step(type);
    tree.end(0);
  };
  for (let type = 0; type < 1_000_000; type++) take(type);
  take(0);
  expect(() => take(1_000_000)).toThrow(FoldOverflow);
});

const after = { type: "a" };

test("reads a paths question", () => {
  const body = {
    after: { type: "a", filters: ["is", "data.x", 1] },
    length: 5,
    by: "correlationId",
  };
  expect(readPathsJob({ ...body, limit: 7, range: { to: 5 } })).toEqual({
    kind: "paths",
    after: { type: "a", filters: { path: ["data", "x"], op: "is", values: [1] } },
    length: 5,
    by: "correlationId",
    limit: 7,
    range: { from: undefined, to: 5 },
  });
  expect(readPathsJob({ after })).toMatchObject({ length: 3, by: "user", limit: 20 });
});

test.each([
  [{}, "/after"],
  [{ after: "a" }, "/after"],
  [{ after: {} }, "/after/type"],
  [{ after: { type: "a", steps: 2 } }, "/after/steps"],
  [{ after, length: 0 }, "/length"],
  [{ after, length: 6 }, "/length"],
  [{ after, length: 1.5 }, "/length"],
  [{ after, limit: 1_001 }, "/limit"],
  [{ after, by: "me" }, "/by"],
  [{ after, window: "1h" }, "/window"],
  [{ after, range: ["2024"] }, "/range"],
])("refuses %j at %s and says what is allowed", (body, pointer) => {
  const findings = findingsOf(() => readPathsJob(body));
  expect(findings).toMatchObject([{ pointer }]);
  expect(findings[0]!.message.length).toBeGreaterThan(20);
});
