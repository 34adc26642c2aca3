import { readPath } from "../../../../lib/event/property-path.ts";
import type { Json, StoredEvent } from "../../../../lib/event/event.ts";
import { sampleOf } from "../../../../lib/questions/catalog/samples.ts";
import { eventOf } from "../../../support/arbitraries.ts";

function properties(events: readonly StoredEvent[], limit = 100) {
  const sample = sampleOf<"properties">({ kind: "properties", limit });
  for (const event of events) sample.add(event);
  return sample.finish();
}

function values(name: string, events: readonly StoredEvent[], more: object = {}) {
  const sample = sampleOf<"values">({
    kind: "values",
    path: readPath(name)!,
    limit: 100,
    ...more,
  });
  for (const event of events) sample.add(event);
  return sample.finish();
}

const own = [
  { property: "source", kinds: ["text"], share: 1 },
  { property: "type", kinds: ["text"], share: 1 },
];

describe("the properties of events", () => {
  test("that cannot be named, or lie too deep, are counted as left out", () => {
    const long = "k".repeat(1_020);
    expect(properties([eventOf({ data: { [long]: 1 } })])).toEqual({ rows: own, rowsLeftOut: 1 });
    const nested = (depth: number, inner: Json): Json =>
      depth === 0 ? inner : { k: nested(depth - 1, inner) };
    const leftOut = (inner: Json) => properties([eventOf({ data: nested(7, inner) })]).rowsLeftOut;
    expect([leftOut([]), leftOut([1]), leftOut({ k: 1 })]).toEqual([0, 1, 1]);
  });

  test("are told with the kinds of their values, and the share of events that have them", () => {
    const events = [
      eventOf({ data: { plan: "pro", seats: 3, "a.b": true }, correlationId: "c" }),
      eventOf({ data: { plan: null, inner: { deep: "x" }, none: {} } }),
      eventOf({ metadata: { userId: "u" } }),
      eventOf({ data: "a text", context: { utm: { source: "news" } } }),
    ];
    expect(properties(events)).toEqual({
      rows: [
        ...own,
        { property: "data.plan", kinds: ["text", "null"], share: 0.5 },
        { property: "context.utm.source", kinds: ["text"], share: 0.25 },
        { property: "correlationId", kinds: ["text"], share: 0.25 },
        { property: "data.inner.deep", kinds: ["text"], share: 0.25 },
        { property: "data.none", kinds: ["object"], share: 0.25 },
        { property: "data.seats", kinds: ["number"], share: 0.25 },
        { property: 'data["a.b"]', kinds: ["boolean"], share: 0.25 },
        { property: "metadata.userId", kinds: ["text"], share: 0.25 },
      ],
      rowsLeftOut: 0,
    });
  });

  test("are told of lists and of their elements, once for each event", () => {
    const events = [
      eventOf({ data: { items: [{ sku: "a" }, { sku: 1 }, "b"], empty: [] } }),
      eventOf({ data: { items: [] } }),
    ];
    const within = properties(events).rows.filter(({ property }) => property.startsWith("data"));
    expect(within).toEqual([
      { property: "data.items", kinds: ["list"], share: 1 },
      { property: "data.empty", kinds: ["list"], share: 0.5 },
      { property: "data.items[]", kinds: ["text"], share: 0.5 },
      { property: "data.items[].sku", kinds: ["text", "number"], share: 0.5 },
    ]);
  });

  test("are bounded: by the limit, by their number, by their depth and by what a filter can name", () => {
    const many = eventOf({
      data: Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`key ${i}`, i])),
    });
    const found = properties([many], 20_000);
    expect(found.rows.length).toBeLessThanOrEqual(10_000);
    expect(found.rowsLeftOut).toBeGreaterThan(0);
    expect(properties([many], 3).rows).toHaveLength(3);
    const long = eventOf({ data: { ["k".repeat(2_000)]: 1 } });
    expect(properties([long]).rows).toEqual(own);
    const deep = eventOf({ data: JSON.parse('{"a":'.repeat(40) + "1" + "}".repeat(40)) as Json });
    expect(properties([deep])).toEqual({ rows: own, rowsLeftOut: 1 });
  });

  test("there are none without events", () => {
    expect(properties([])).toEqual({ rows: [], rowsLeftOut: 0 });
  });
});

describe("the values of a property", () => {
  test("are one where they are shown alike", () => {
    const events = ["\ud800", "\ud801", "\ufffd"].map((x) => eventOf({ data: { x } }));
    const shown = { rows: [{ value: "\ufffd", kind: "text", count: 3 }], rowsLeftOut: 0 };
    expect(values("data.x", events)).toEqual(shown);
    const list = eventOf({ data: { x: ["\ud800", "\ud801"] } });
    expect(values("data.x[]", [list]).rows).toEqual([{ ...shown.rows[0], count: 1 }]);
  });

  const events = [10, "10", "Pro", "pro", "pro", true, null, { a: 1 }, undefined, "(none)"].map(
    (plan) => eventOf({ data: plan === undefined ? {} : { plan } }),
  );

  test("keep their kinds; what is missing, null, an object or a list is none", () => {
    expect(values("data.plan", events)).toEqual({
      rows: [
        { value: "pro", kind: "text", count: 2 },
        { value: "10", kind: "number", count: 1 },
        { value: "10", kind: "text", count: 1 },
        { value: "Pro", kind: "text", count: 1 },
        { value: "\\(none)", kind: "text", count: 1 },
        { value: "true", kind: "boolean", count: 1 },
      ],
      rowsLeftOut: 0,
    });
  });

  test("are searched in any case, and cut at the limit", () => {
    const found = values("data.plan", events, { search: "PR", limit: 1 });
    expect(found).toEqual({ rows: [{ value: "pro", kind: "text", count: 2 }], rowsLeftOut: 1 });
    expect(values("data.plan", events, { search: "nowhere" }).rows).toEqual([]);
  });

  test("of elements count once for each event; a text that no filter takes is left out", () => {
    const lists = [["a", "a", "b"], ["a", { b: 1 }, null], ["x".repeat(1_025)], "a"];
    const found = values(
      "data.tags[]",
      lists.map((tags) => eventOf({ data: { tags } })),
    );
    expect(found).toEqual({
      rows: [
        { value: "a", kind: "text", count: 2 },
        { value: "b", kind: "text", count: 1 },
      ],
      rowsLeftOut: 1,
    });
  });
});
