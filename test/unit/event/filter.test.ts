import fc from "fast-check";
import { matches, type Condition } from "../../../lib/event/filter.ts";
import type { Json, StoredEvent } from "../../../lib/event/event.ts";
import type { PropertyPath } from "../../../lib/event/property-path.ts";

const of = (data: Json, more: Partial<StoredEvent> = {}) => ({ type: "a.b", data, ...more });
const scalars = [null, true, false, 0, 1, -1, 1.5, "", "1", "true", "null", "a", "b"] as const;
const path: PropertyPath = ["data", "x"];

describe("a condition", () => {
  test.each(scalars.flatMap((a) => scalars.map((b) => [a, b] as const)))(
    "takes %j and %j for the same only where they are identical",
    (a, b) => {
      expect(matches(of({ x: a }), { path, op: "is", values: [b] })).toBe(a === b);
      expect(matches(of({ x: a }), { path, op: "is_not", values: [b] })).toBe(a !== b);
    },
  );

  test("is and is_not are opposites, whatever is there", () => {
    const anything = fc.record({ data: fc.jsonValue() as fc.Arbitrary<Json> });
    const values = fc.array(fc.constantFrom(...scalars));
    fc.assert(
      fc.property(anything, values, (event, wanted) => {
        const ask = (op: "is" | "is_not") => matches(event, { path: ["data"], op, values: wanted });
        expect(ask("is")).toBe(!ask("is_not"));
      }),
    );
  });

  test("orders numbers among numbers and texts among texts, by code unit", () => {
    const holds = (x: Json, op: "gt" | "gte" | "lt" | "lte", value: number | string) =>
      matches(of({ x }), { path, op, value });
    expect(holds(2, "gt", 1)).toBe(true);
    expect(holds(1, "gte", 1)).toBe(true);
    expect(holds(1, "gt", 1)).toBe(false);
    expect(holds("10", "lt", "9")).toBe(true);
    expect(holds("a", "lte", "a")).toBe(true);
    // U+FFFF is one unit, the emoji begins with a smaller one.
    expect(holds("😀", "lt", "\uffff")).toBe(true);
    for (const other of ["2", true, null, [2], { x: 2 }]) {
      expect(holds(other, "gt", 1)).toBe(false);
      expect(holds(other, "lte", 9)).toBe(false);
    }
    expect(holds(2, "gt", "1")).toBe(false);
  });

  test("looks into texts alone, minding the case", () => {
    const holds = (x: Json, op: "contains" | "starts_with", value: string) =>
      matches(of({ x }), { path, op, value });
    expect(holds("spring-2024", "contains", "ng-2")).toBe(true);
    expect(holds("spring-2024", "contains", "Spring")).toBe(false);
    expect(holds("spring-2024", "starts_with", "spring")).toBe(true);
    expect(holds("spring-2024", "starts_with", "2024")).toBe(false);
    expect(holds(["spring"], "contains", "spring")).toBe(false);
    expect(holds(12, "starts_with", "1")).toBe(false);
  });

  test("knows null from what is missing", () => {
    const exists = (data: Json, value: boolean) => matches(of(data), { path, op: "exists", value });
    expect(exists({ x: null }, true)).toBe(true);
    expect(exists({}, true)).toBe(false);
    expect(exists({}, false)).toBe(true);
    expect(matches(of({}), { path, op: "is", values: [null] })).toBe(false);
    expect(matches(of({}), { path, op: "is_not", values: [null] })).toBe(true);
    expect(matches({ data: undefined }, { path: ["data"], op: "exists", value: false })).toBe(true);
  });

  test("walks own properties of objects alone", () => {
    const exists = (data: Json, ...at: [string, ...string[]]) =>
      matches(of(data), { path: ["data", ...at], op: "exists", value: true });
    expect(exists({ a: { b: 1 } }, "a", "b")).toBe(true);
    expect(exists({ "a.b": 1 }, "a", "b")).toBe(false);
    expect(exists({ "a.b": 1 }, "a.b")).toBe(true);
    expect(exists([1], "0")).toBe(false);
    expect(exists("text", "length")).toBe(false);
    expect(exists({}, "constructor")).toBe(false);
    expect(exists({}, "__proto__")).toBe(false);
    expect(exists(JSON.parse('{"__proto__":{"x":1}}') as Json, "__proto__", "x")).toBe(true);
    expect(matches(of(null), { path: ["data", "x"], op: "exists", value: false })).toBe(true);
    expect(matches(of(null), { path: ["type"], op: "is", values: ["a.b"] })).toBe(true);
  });

  test("never throws", () => {
    const segments = fc.array(fc.constantFrom("data", "a", "__proto__", "0", ""), { minLength: 1 });
    const operand = fc.constantFrom("", "a", 1, Number.NaN);
    const operator = fc.constantFrom("gt", "contains", "starts_with", "lte");
    fc.assert(
      fc.property(fc.jsonValue(), segments, operator, operand, (data, at, op, value) => {
        const condition = { path: at, op, value } as unknown as Condition;
        expect(typeof matches({ data: data as Json }, condition)).toBe("boolean");
      }),
    );
  });
});
