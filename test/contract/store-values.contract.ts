import type { BreakdownJob } from "../../lib/questions/query/breakdown.ts";
import type { PropertyPath } from "../../lib/event/property-path.ts";
import { event, minute, minuteMs, type OnStore } from "./store-harness.ts";

const patient = { timeoutMs: 60_000 };

/** What `analyze` makes of values that not every fold has. */
export function valuesContract(onStore: OnStore): void {
  describe("an analysis of values", () => {
    test(
      "counts an event once under each value of its elements, and measures each of them; every row is found again",
      onStore(async (store) => {
        const carts: readonly (readonly object[])[] = [
          [
            { sku: "a", price: 1 },
            { sku: "a", price: 2 },
            { sku: 7, price: 3 },
          ],
          [{ sku: "7", price: "4" }, { sku: null }],
          [],
        ];
        const stored = carts.map((items, i) =>
          event(`e${i}`, { data: { items } as never, timestamp: minute + i }),
        );
        await store.append("b", [...stored, event("e9", { data: { items: "a" } })]);
        const sku: PropertyPath = ["data", "items", null, "sku"];
        const price: PropertyPath = ["data", "items", null, "price"];
        const job: BreakdownJob = {
          kind: "breakdown",
          metrics: [{ op: "count" }, { op: "sum", path: price }],
          dimensions: [{ path: sku }],
          totals: true,
          maxGroups: 10,
        };
        const { result, events: met } = await store.analyze({ project: "p" }, job, patient);
        expect(met).toBe(4);
        expect(result.totals).toEqual([4, 6]);
        const rows = new Map(result.groups.map((one) => [one.dimensions[0], one.metrics]));
        expect(rows).toEqual(
          new Map([
            ["a", [1, 6]],
            ["7", [2, 6]],
            ["(none)", [3, 0]],
          ]),
        );
        for (const [value, [count]] of rows) {
          const where = [{ path: sku, op: "shown_as", values: [value as string] }] as const;
          expect(await store.countEvents({ project: "p", where })).toBe(count);
        }
      }),
    );

    test(
      "counts numbers that a program might keep for itself as it counts any other",
      onStore(async (store) => {
        const scores: readonly (readonly number[])[] = [
          [-1, 3],
          [-2],
          [0, -0, 1],
          [-1],
          [],
          [4, -1],
        ];
        const stored = scores.map((list, i) =>
          event(`e${i}`, {
            data: { scores: list, delta: list[0] ?? -1 } as never,
            timestamp: minute + i * minuteMs,
          }),
        );
        await store.append("b", stored);
        const elements: PropertyPath = ["data", "scores", null];
        const delta: PropertyPath = ["data", "delta"];
        const periods = stored.slice(1).map(({ timestamp: start }) => ({ start, end: start + 1 }));
        const first = { start: minute, end: minute + 1 };
        const ask = async (...dimensions: BreakdownJob["dimensions"]) => {
          const metrics = [{ op: "count" }, { op: "sum", path: elements }] as const;
          const job = {
            kind: "breakdown",
            metrics,
            dimensions,
            totals: true,
            maxGroups: 50,
          } as const;
          const all = dimensions.some((one) => "time" in one)
            ? { ...job, periods: [first, ...periods] }
            : job;
          return (await store.analyze({ project: "p" }, all, patient)).result;
        };
        const byElement = await ask({ path: elements });
        expect(byElement.totals).toEqual([6, 3]);
        expect(new Map(byElement.groups.map((one) => [one.dimensions[0], one.metrics[0]]))).toEqual(
          new Map([
            ["-1", 3],
            ["3", 1],
            ["-2", 1],
            ["0", 1],
            ["1", 1],
            ["(none)", 1],
            ["4", 1],
          ]),
        );
        const byValue = await ask({ path: delta });
        expect(byValue.totals).toEqual([6, 3]);
        expect(new Map(byValue.groups.map((one) => [one.dimensions[0], one.metrics]))).toEqual(
          new Map([
            ["-1", [3, 1]],
            ["-2", [1, -2]],
            ["0", [1, 1]],
            ["4", [1, 3]],
          ]),
        );
        const byTime = await ask({ time: true }, { path: delta });
        expect(byTime.totals).toEqual([6, 3]);
        expect(byTime.groups).toHaveLength(6);
        const turned = await ask({ path: delta }, { time: true });
        expect(turned.groups.map(({ dimensions }) => dimensions.toReversed())).toEqual(
          expect.arrayContaining(byTime.groups.map(({ dimensions }) => dimensions)),
        );
      }),
    );

    test(
      "finds the events of each row again, however long its values are",
      onStore(async (store) => {
        const lengths = [1_024, 1_025, 2_000, 16_384, 65_000];
        const plain = lengths.map((length) => "é".repeat(length / 2).padEnd(length, "x"));
        const long = [...plain, `${"x".repeat(2_000)}\ufffd`, `(${"x".repeat(2_000)})`, "x"];
        const stored = long.map((text, i) =>
          event(`e${i}`, { data: { text, list: [text, i] }, timestamp: minute + i }),
        );
        await store.append("b", stored);
        for (const path of [
          ["data", "text"],
          ["data", "list", null],
        ] as const satisfies PropertyPath[]) {
          const job: BreakdownJob = {
            kind: "breakdown",
            metrics: [{ op: "count" }],
            dimensions: [{ path }],
            totals: false,
            maxGroups: 50,
          };
          const { groups } = (await store.analyze({ project: "p" }, job, patient)).result;
          const rows = groups.map(({ dimensions }) => dimensions[0] as string);
          expect(rows).toEqual(expect.arrayContaining(long));
          for (const [i, value] of long.entries()) {
            const where = [{ path, op: "shown_as", values: [value] }] as const;
            const found = { project: "p", where, order: "asc", limit: 9 } as const;
            expect((await store.events(found)).map(({ id }) => id)).toEqual([`e${i}`]);
            expect(await store.countEvents({ project: "p", where })).toBe(1);
          }
        }
      }),
    );

    test(
      "adds up numbers near the largest one whatever their order, and refuses a sum beyond it",
      onStore(async (store) => {
        const values = [1e308, 1e308, -1e308, 5e-324, 1.7e308, -1e308];
        const stored = values.map((n, i) =>
          event(`e${i}`, { data: { n }, timestamp: minute + i, type: n > 1e308 ? "big" : "other" }),
        );
        await store.append("b", stored);
        const path = ["data", "n"] as const;
        const of = (types: readonly string[], ...metrics: BreakdownJob["metrics"]) =>
          store.analyze(
            { project: "p", types },
            { kind: "breakdown", metrics, dimensions: [], totals: false, maxGroups: 1 },
            patient,
          );
        const sums = ["sum", "avg", "min", "max"].map((op) => ({ op: op as "sum", path }));
        const { result } = await of(["big", "other"], ...sums);
        expect(result.groups[0]!.metrics).toEqual([1.7e308, 1.7e308 / 6, -1e308, 1.7e308]);
        const { result: others } = await of(["other"], ...sums);
        expect(others.groups[0]!.metrics).toEqual([5e-324, 0, -1e308, 1e308]);
        const large = event("e9", { data: { n: 1.7e308 }, type: "big", batch: "c" });
        await store.append("c", [large]);
        await expect(of(["big"], sums[0]!)).rejects.toMatchObject({ type: "QUERY_TOO_EXPENSIVE" });
        const { result: big } = await of(["big"], sums[1]!, { op: "quantile", q: 0.5, path });
        expect(big.groups[0]!.metrics).toEqual([1.7e308, 1.7e308]);
      }),
    );
  });
}
