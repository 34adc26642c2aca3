import fc from "fast-check";
import type { BreakdownJob, Group } from "../../lib/questions/query/breakdown.ts";
import { FoldOverflow, rowReader } from "../../lib/questions/fold.ts";
import { foldOf } from "../../lib/questions/folds.ts";
import { meets, type Predicate, type EventFilter } from "../../lib/event/filter.ts";
import type { StoredEvent } from "../../lib/event/event.ts";
import type { EventStore } from "../../lib/store/store.ts";
import type { PropertyPath } from "../../lib/event/property-path.ts";
import { events, keys, path, predicate } from "./store-arbitraries.ts";
import { asJson, event, minute, type OnStore, type StoreTraits } from "./store-harness.ts";

const patient = { timeoutMs: 60_000 };

const job: fc.Arbitrary<BreakdownJob> = fc.record({
  kind: fc.constant("breakdown" as const),
  metrics: fc.uniqueArray(
    fc.oneof(
      fc.constantFrom({ op: "count" as const }, { op: "uniques" as const }),
      fc.record({ op: fc.constantFrom("sum", "avg", "min", "max"), path }),
      fc.record({ op: fc.constant("quantile" as const), q: fc.constantFrom(0.5, 0.95), path }),
    ) as fc.Arbitrary<BreakdownJob["metrics"][number]>,
    { minLength: 1, maxLength: 3, selector: (metric) => JSON.stringify(metric) },
  ),
  dimensions: fc
    .array(fc.oneof(fc.record({ path }), fc.constant({ time: true as const })), { maxLength: 2 })
    .filter((dimensions) => dimensions.filter((one) => "time" in one).length < 2),
  periods: fc.constant([
    { start: minute, end: minute + 1 },
    { start: minute + 1, end: minute + 10 },
  ]),
  totals: fc.boolean(),
  maxGroups: fc.constant(10_000),
});

const question = fc.record({
  job,
  where: fc.array(predicate, { maxLength: 2 }),
  from: fc.option(fc.constant(minute + 1), { nil: undefined }),
});

/** What a fold makes of events in memory: the reference for every store. */
export function folded(stored: readonly StoredEvent[], filter: Filter, job: BreakdownJob) {
  const fold = foldOf<"breakdown">(job);
  const read = rowReader(fold.columns);
  const met = stored.filter(
    (it) =>
      it.timestamp >= (filter.from ?? -Infinity) &&
      it.timestamp < (filter.to ?? Infinity) &&
      (filter.types?.includes(it.type) ?? true) &&
      (filter.where ?? []).every((one) => meets(it, one)),
  );
  for (const one of met) fold.add(read(one));
  return { events: met.length, ...comparable(fold.finish()) };
}

/** Each row of an answer can be asked for: as many events are shown as it says. */
async function expectRowsFound(
  store: EventStore,
  filter: EventFilter,
  { dimensions, metrics }: BreakdownJob,
  groups: readonly Group[],
): Promise<void> {
  const counted = metrics.findIndex(({ op }) => op === "count");
  if (counted < 0 || dimensions.some((one) => "time" in one)) return;
  for (const group of groups.slice(0, 3)) {
    const where = dimensions.map((one, i) => ({
      path: (one as { readonly path: PropertyPath }).path,
      op: "shown_as" as const,
      values: [group.dimensions[i] as string],
    }));
    const found = await store.countEvents({
      ...filter,
      where: [...(filter.where ?? []), ...where],
    });
    expect({ where, found }).toEqual({ where, found: group.metrics[counted] });
  }
}

/** What a fold tells, or that it refuses to: a sum may be larger than a number can be. */
function resultOf<T>(make: () => T): T | "refused" {
  try {
    return make();
  } catch (error) {
    if (error instanceof FoldOverflow) return "refused";
    throw error;
  }
}

type Filter = Pick<EventFilter, "from" | "to" | "types"> & {
  readonly where?: readonly Predicate[];
};

/** In one order. */
export function comparable({
  groups,
  totals,
}: {
  readonly groups: readonly object[];
  readonly totals?: readonly (number | null)[];
}) {
  return {
    groups: groups.map((group) => JSON.stringify(group)).sort(),
    ...(totals && { totals: asJson(totals) }),
  };
}

/** `analyze`. */
export function analyzeContract(onStore: OnStore, { runs = 30 }: StoreTraits): void {
  describe("an analysis", () => {
    test(
      "folds the events that meet a filter (any events, any filter, any job)",
      onStore(async (store) => {
        let runsSoFar = 0;
        await fc.assert(
          fc.asyncProperty(
            events,
            fc.array(question, { minLength: 10, maxLength: 10 }),
            async (drawn, questions) => {
              const project = `p${++runsSoFar}`;
              const stored = drawn.map((it) => ({ ...it, project, batch: "b" }));
              await store.append("b", stored);
              for (const { job: one, ...filter } of questions) {
                const analyzed = store.analyze({ project, ...filter }, one, patient);
                const expected = resultOf(() => folded(stored, filter, one));
                if (expected === "refused") {
                  await expect(analyzed).rejects.toMatchObject({ type: "QUERY_TOO_EXPENSIVE" });
                  continue;
                }
                const { result, events: met } = await analyzed;
                expect({ events: met, ...comparable(result) }).toEqual(expected);
                await expectRowsFound(store, { project, ...filter }, one, result.groups);
              }
            },
          ),
          { numRuns: runs },
        );
      }),
    );

    test(
      "tells values apart as a breakdown shows them, and keeps to its project, types, user and range",
      onStore(async (store) => {
        const plans = ["pro", "free", 10, "10", true, null, undefined, { a: 1 }, ["pro"], ...keys];
        const stored = plans.map((plan, i) =>
          event(`e${100 + i}`, {
            type: i % 3 === 0 ? "a" : "b",
            timestamp: minute + i,
            metadata: { userId: `u${i % 4}` },
            data: (plan === undefined ? {} : { plan }) as never,
            batch: "b",
          }),
        );
        await store.append("b", stored);
        await store.append("o", [event("other", { project: "q", batch: "o" })]);
        const byPlan: BreakdownJob = {
          kind: "breakdown",
          metrics: [{ op: "count" }, { op: "uniques" }],
          dimensions: [{ path: ["data", "plan"] }],
          totals: true,
          maxGroups: 100,
        };
        for (const filter of [{}, { types: ["a"] }, { from: minute + 2, to: minute + 9 }]) {
          const { result, events: met } = await store.analyze(
            { project: "p", ...filter },
            byPlan,
            patient,
          );
          expect({ events: met, ...comparable(result as never) }).toEqual(
            folded(stored, filter, byPlan),
          );
        }
        const ofUser = await store.analyze({ project: "p", userId: "u1" }, byPlan, patient);
        expect(ofUser.events).toBe(stored.filter((it) => it.metadata!["userId"] === "u1").length);
      }),
    );

    test(
      "tells the same of what is sealed, also once some of it is erased",
      onStore(async (store) => {
        const stored = Array.from({ length: 40 }, (_, i) =>
          event(`e${i}`, {
            timestamp: minute + i,
            metadata: { userId: `u${i % 7}` },
            data: { plan: `plan ${i % 3}` },
            batch: `b${i % 4}`,
          }),
        );
        for (const batch of ["b0", "b1", "b2", "b3"]) {
          await store.append(
            batch,
            stored.filter((one) => one.batch === batch),
          );
        }
        const byPlan: BreakdownJob = {
          kind: "breakdown",
          metrics: [{ op: "count" }, { op: "uniques" }],
          dimensions: [{ path: ["data", "plan"] }],
          totals: true,
          maxGroups: 100,
        };
        const expectFolded = async (held: readonly StoredEvent[]) => {
          const { result, events: met } = await store.analyze({ project: "p" }, byPlan, patient);
          const found = { events: met, ...comparable(result) };
          expect(found).toEqual(folded(held, {}, byPlan));
        };
        await expectFolded(stored);
        // Half an hour after it began, and a day after it was stored, everything is sealed.
        const tomorrow = Date.now() + 86_400_000;
        const minutes = [0, 9, 18, 27, 31, 32];
        for (const at of minutes) await store.seal?.(tomorrow + at * 60_000);
        await expectFolded(stored);
        const [gone, ...left] = stored;
        await store.erase("p", [gone!], { at: minute, reusable: false });
        await expectFolded(left);
        await store.seal?.(tomorrow + 33 * 60_000);
        await expectFolded(left);
      }),
    );

    test(
      "is refused where it takes too long or grows too large, and others are answered all the same",
      onStore(async (store) => {
        const stored = Array.from({ length: 1_500 }, (_, i) => event(`e${i}`, { data: { i } }));
        for (let at = 0; at < stored.length; at += 500)
          await store.append(`b${at}`, stored.slice(at, at + 500));
        const byNumber = (maxGroups: number): BreakdownJob => ({
          kind: "breakdown",
          metrics: [{ op: "count" }],
          dimensions: [{ path: ["data", "i"] }],
          totals: false,
          maxGroups,
        });
        const tooExpensive = { type: "QUERY_TOO_EXPENSIVE" };
        await expect(
          store.analyze({ project: "p" }, byNumber(1_499), patient),
        ).rejects.toMatchObject({
          ...tooExpensive,
          message: expect.stringContaining("1499") as string,
        });
        await expect(
          store.analyze({ project: "p" }, byNumber(1_500), { timeoutMs: -1 }),
        ).rejects.toMatchObject(tooExpensive);
        const { result } = await store.analyze({ project: "p" }, byNumber(1_500), patient);
        expect((result as { groups: readonly unknown[] }).groups).toHaveLength(1_500);
      }),
    );
  });
}
