import fc from "fast-check";
import { matches } from "../../lib/event/condition.ts";
import type { Json, StoredEvent } from "../../lib/event/event.ts";
import type { Condition, PropertyPath, Scalar } from "../../lib/store/store.ts";
import { asJson, event, ids, minute, type OnStore, type StoreTraits } from "./store-harness.ts";

/** None with a backslash: once it has parsed one, V8's JSON.parse reads it for others (nodejs/node#63785). */
const keys = [
  "plan",
  "a.b",
  "",
  "__proto__",
  "constructor",
  "$where",
  "é😀",
  "0",
  "\u0000",
  '"',
  "[0]",
  "\ud800",
];
const texts = [
  "",
  "a",
  "ab",
  "b",
  "A",
  "1",
  "true",
  "null",
  "é",
  "\u0000",
  "\ud800",
  "😀",
  "\ude00",
  "\uffff",
  "\ue000",
  "a😀",
  "\u0001",
  '"',
  "%",
  "a_",
];
const numbers = [0, 1, -1, 0.1, 10, 2 ** 53, 2 ** 53 + 2, 2 ** 60, 1e21, 1e300, 5e-324, 19.99];

const key = fc.constantFrom(...keys);
const text = fc.constantFrom(...texts);
const number = fc.oneof(
  fc.constantFrom(...numbers),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);
const scalar: fc.Arbitrary<Scalar> = fc.oneof(text, number, fc.boolean(), fc.constant(null));

/** JSON of few keys and values, so that conditions often meet it. */
const { value: json } = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    scalar,
    fc.array(tie("value"), { maxLength: 2 }),
    fc.dictionary(key, tie("value"), { maxKeys: 4, noNullPrototype: true }),
  ),
}));

const events = fc
  .array(
    fc.record(
      {
        data: json,
        metadata: fc.dictionary(key, json, { maxKeys: 3, noNullPrototype: true }),
        source: text.filter((it) => it !== ""),
        correlationId: text,
        timestamp: fc.constantFrom(minute, minute + 1),
      },
      { requiredKeys: ["source", "timestamp"] },
    ),
    { minLength: 1, maxLength: 40 },
  )
  .map((parts) =>
    parts.map((part, i) => event(`e${100 + i}`, asJson(part) as Partial<StoredEvent>)),
  );

const path: fc.Arbitrary<PropertyPath> = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(fc.constantFrom("data", "metadata"), key) },
  fc.tuple(fc.constantFrom("data", "metadata"), key, key),
  fc.constantFrom<PropertyPath[]>(
    ["data"],
    ["context"],
    ["id"],
    ["type"],
    ["source"],
    ["correlationId"],
    ["timestamp"],
    ["receivedAt"],
    ["project"],
    ["batch"],
    ["hash"],
    ["type", "length"],
    ["timestamp", "0"],
    ["nothing"],
    ["__proto__"],
  ),
);

const ofColumns: fc.Arbitrary<Scalar> = fc.constantFrom(
  "mail.opened",
  "e100",
  "e101",
  "p",
  minute,
  minute + 1,
);
const operand = fc.oneof({ weight: 4, arbitrary: scalar }, ofColumns);

const condition: fc.Arbitrary<Condition> = fc.oneof(
  fc.record({
    path,
    op: fc.constantFrom("is" as const, "is_not" as const),
    values: fc.array(operand, { maxLength: 3 }),
  }),
  fc.record({
    path,
    op: fc.constantFrom("contains" as const, "starts_with" as const),
    value: text,
  }),
  fc.record({
    path,
    op: fc.constantFrom("gt" as const, "gte" as const, "lt" as const, "lte" as const),
    value: fc.oneof(text, number, fc.constant(minute)),
  }),
  fc.record({ path, op: fc.constant("exists" as const), value: fc.boolean() }),
);

const questions = fc.array(fc.array(condition, { minLength: 1, maxLength: 2 }), {
  minLength: 20,
  maxLength: 20,
});

/** The conditions of `events` and `countEvents`. */
export function conditionsContract(onStore: OnStore, { runs = 30 }: StoreTraits): void {
  describe("conditions", () => {
    const find = (where: readonly Condition[]) => ({ project: "p", where });

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
      "mean what `matches` says (any events, any conditions)",
      onStore(async (store) => {
        let runsSoFar = 0;
        await fc.assert(
          fc.asyncProperty(events, questions, async (drawn, asked) => {
            const project = `p${++runsSoFar}`;
            const stored = drawn.map((it) => ({ ...it, project, batch: "b" }));
            await store.append("b", stored);
            for (const where of asked) {
              const expected = stored
                .filter((it) => where.every((one) => matches(it, one)))
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
