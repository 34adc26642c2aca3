import fc from "fast-check";
import { matches, meets, type Condition, type Predicate } from "../../lib/event/filter.ts";
import type { Json } from "../../lib/event/event.ts";
import type { PropertyPath } from "../../lib/event/property-path.ts";
import { events, keys, numbers, predicate, texts } from "./store-arbitraries.ts";
import { event, ids, minute, type OnStore, type StoreTraits } from "./store-harness.ts";

const questions = fc.array(fc.array(predicate, { minLength: 1, maxLength: 2 }), {
  minLength: 20,
  maxLength: 20,
});

/** The conditions of `events` and `countEvents`. */
export function conditionsContract(onStore: OnStore, { runs = 30 }: StoreTraits): void {
  describe("conditions", () => {
    const find = (where: readonly Predicate[]) => ({ project: "p", where });

    test(
      "are met by values of the same type alone",
      onStore(async (store) => {
        const values: Json[] = [1, "1", true, "true", null, "null", [1], { a: 1 }, 0, false, ""];
        const stored = values.map((plan, i) => event(`e${10 + i}`, { data: { plan } }));
        await store.append("b", [...stored, event("e99", { data: {} })]);
        const found = async (of: { op: string; value?: unknown; values?: unknown }) => {
          const where = [{ path: ["data", "plan"], ...of } as unknown as Condition];
          const page = await store.events({ ...find(where), order: "asc", limit: 100 });
          expect(await store.countEvents(find(where))).toBe(page.length);
          return page.map(({ data }) => (data as { plan?: Json }).plan);
        };
        expect(await found({ op: "is", values: [1] })).toEqual([1]);
        expect(await found({ op: "is", values: ["1", true] })).toEqual(["1", true]);
        expect(await found({ op: "is", values: [null] })).toEqual([null]);
        expect(await found({ op: "is", values: [] })).toEqual([]);
        expect(await found({ op: "is_not", values: [1, "1"] })).toHaveLength(values.length - 2 + 1);
        expect(await found({ op: "gte", value: 0 })).toEqual([1, 0]);
        expect(await found({ op: "lt", value: "2" })).toEqual(["1", ""]);
        expect(await found({ op: "starts_with", value: "tr" })).toEqual(["true"]);
        expect(await found({ op: "contains", value: "" })).toEqual(["1", "true", "null", ""]);
        expect(await found({ op: "exists", value: true })).toEqual(values);
        expect(await found({ op: "exists", value: false })).toEqual([undefined]);
      }),
    );

    test(
      "mean what `matches` says for each value, each operator and each operand",
      onStore(async (store) => {
        const values: readonly Json[] = [...texts, ...numbers, true, null, ["a"], { a: 1 }];
        const stored = values.map((plan, i) =>
          event(`e${100 + i}`, { data: { plan }, timestamp: minute + i, batch: "b" }),
        );
        await store.append("b", stored);
        const at: PropertyPath = ["data", "plan"];
        const conditions: Condition[] = [...texts, ...numbers].flatMap((value) => [
          { path: at, op: "is", values: [value] },
          { path: at, op: "shown_as", values: [String(value)] },
          ...(["gt", "gte", "lt", "lte"] as const).map((op) => ({ path: at, op, value })),
          ...(typeof value === "string"
            ? (["contains", "starts_with"] as const).map((op) => ({ path: at, op, value }))
            : []),
        ]);
        for (const one of conditions) {
          const found = await store.events({ ...find([one]), order: "asc", limit: 100 });
          const expected = stored.filter((it) => matches(it, one));
          expect({ one, found: ids(found) }).toEqual({ one, found: ids(expected) });
        }
      }),
    );

    test(
      "of a list are met by one of its elements, or by none of them",
      onStore(async (store) => {
        const lists: Json[] = [
          ["vip", "new"],
          ["new", 10],
          [],
          "vip",
          { 0: "vip" },
          [["vip"]],
          [{ sku: "vip" }, { sku: null }],
          [null, "10"],
        ];
        const stored = lists.map((tags, i) =>
          event(`e${10 + i}`, { data: { tags, "http.status": i }, timestamp: minute + i }),
        );
        await store.append("b", [...stored, event("e99", { data: {}, timestamp: minute + 99 })]);
        const found = async (of: Condition) => {
          const page = await store.events({ ...find([of]), order: "asc", limit: 100 });
          expect(await store.countEvents(find([of]))).toBe(page.length);
          return ids(page).map((id) => Number(id.slice(1)) - 10);
        };
        const tags: PropertyPath = ["data", "tags", null];
        const all = [0, 1, 2, 3, 4, 5, 6, 7, 89];
        const without = (...some: number[]) => all.filter((one) => !some.includes(one));
        expect(await found({ path: tags, op: "is", values: ["vip"] })).toEqual([0]);
        expect(await found({ path: tags, op: "is_not", values: ["vip"] })).toEqual(without(0));
        expect(await found({ path: tags, op: "is", values: [null] })).toEqual([7]);
        expect(await found({ path: tags, op: "contains", value: "e" })).toEqual([0, 1]);
        expect(await found({ path: tags, op: "gte", value: 9 })).toEqual([1]);
        expect(await found({ path: tags, op: "exists", value: true })).toEqual([0, 1, 5, 6, 7]);
        expect(await found({ path: tags, op: "exists", value: false })).toEqual([2, 3, 4, 89]);
        expect(await found({ path: tags, op: "shown_as", values: ["10"] })).toEqual([1, 7]);
        expect(await found({ path: tags, op: "shown_as", values: ["(none)"] })).toEqual(
          without(0, 1),
        );
        const inner: PropertyPath = [...tags, null];
        expect(await found({ path: inner, op: "is", values: ["vip"] })).toEqual([5]);
        const sku: PropertyPath = [...tags, "sku"];
        expect(await found({ path: sku, op: "is", values: ["vip"] })).toEqual([6]);
        expect(await found({ path: sku, op: "exists", value: false })).toEqual(without(6));
        const status: PropertyPath = ["data", "http.status"];
        expect(await found({ path: status, op: "gt", value: 6 })).toEqual([7]);
      }),
    );

    test(
      "tell each key from each other one",
      onStore(async (store) => {
        const names = [...keys, "\u0000\u0000", "plan\u0000", "plan\u0000x", "Plan", "$", "#", "'"];
        const stored = names.map((name, i) =>
          event(`e${100 + i}`, { data: { [name]: i }, timestamp: minute + i }),
        );
        await store.append("b", stored);
        for (const [i, name] of names.entries()) {
          const where = [{ path: ["data", name], op: "exists", value: true }] as const;
          const found = await store.events({ ...find(where), order: "asc", limit: 100 });
          expect({ name, found: ids(found) }).toEqual({ name, found: [`e${100 + i}`] });
        }
      }),
    );

    test(
      "mean what `meets` says (any events, any predicates)",
      onStore(async (store) => {
        let runsSoFar = 0;
        await fc.assert(
          fc.asyncProperty(events, questions, async (drawn, conditions) => {
            const project = `p${++runsSoFar}`;
            const stored = drawn.map((it) => ({ ...it, project, batch: "b" }));
            await store.append("b", stored);
            for (const where of conditions) {
              const expected = stored
                .filter((it) => where.every((one) => meets(it, one)))
                .sort((a, b) => a.timestamp - b.timestamp || (a.id < b.id ? -1 : 1));
              const filter = { project, where };
              const found = await store.events({ ...filter, order: "asc", limit: 100 });
              expect(ids(found)).toEqual(ids(expected));
              const last = await store.events({ ...filter, order: "desc", limit: 1 });
              expect(ids(last)).toEqual(ids(expected).slice(-1));
              expect(await store.countEvents(filter)).toBe(expected.length);
            }
          }),
          { numRuns: runs },
        );
      }),
    );
  });
}
