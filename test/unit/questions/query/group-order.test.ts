import fc from "fast-check";
import { breakdownFold, type BreakdownJob } from "../../../../lib/questions/query/breakdown.ts";
import { compareGroups, firstOf } from "../../../../lib/questions/query/group-order.ts";
import { events, path } from "../../../contract/store-arbitraries.ts";
import { foldOver } from "../../../support/fold-over.ts";

test("the first of an order are what a sort of all begins with", () => {
  fc.assert(
    fc.property(fc.array(fc.integer()), fc.integer({ min: 1, max: 9 }), (items, count) => {
      const compare = (a: number, b: number) => a - b;
      expect(firstOf(items, count, compare)).toEqual(items.toSorted(compare).slice(0, count));
    }),
  );
});

test("a breakdown's top groups are the first of all its groups, and it tells how many are left", () => {
  const orderBy = fc.array(
    fc.record({ column: fc.integer({ min: 0, max: 2 }), descending: fc.boolean() }),
    { maxLength: 3 },
  );
  fc.assert(
    fc.property(events, path, orderBy, fc.integer({ min: 1, max: 5 }), (stored, of, by, groups) => {
      const job: BreakdownJob = {
        kind: "breakdown",
        metrics: [{ op: "count" }, { op: "max", path: ["data", "plan"] }],
        dimensions: [{ path: of }],
        totals: true,
        maxGroups: 1_000,
      };
      const all = foldOver(breakdownFold(job), stored);
      const top = foldOver(breakdownFold({ ...job, top: { orderBy: by, groups } }), stored);
      const sorted = all.groups.toSorted((a, b) => compareGroups(by, a, b));
      const shown = sorted.slice(0, groups);
      expect(top).toEqual({ ...all, groups: shown, groupsLeft: sorted.length - shown.length });
    }),
  );
});
