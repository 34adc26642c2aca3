import fc from "fast-check";
import type { Json } from "../../../lib/event/event.ts";
import { fromColumn, fromRow, toColumn, toRow } from "../../../lib/store/rows.ts";
import { asJson, event } from "../../contract/store-harness.ts";

const texts = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.array(fc.nat({ max: 0xffff }), { maxLength: 6 }).map((units) => String.fromCharCode(...units)),
  fc.constantFrom("\u0001", '\u0001"a"', "\ud800", "\udc00", "a\u0000b", "😀"),
);

describe("a text column", () => {
  test("gives any text back, and is something that UTF-8 can carry", () => {
    fc.assert(
      fc.property(texts, (text) => {
        const column = toColumn(text);
        expect(fromColumn(column)).toBe(text);
        expect(Buffer.from(column, "utf8").toString("utf8")).toBe(column);
      }),
    );
  });

  test("is the same for the same text alone", () => {
    fc.assert(
      fc.property(texts, texts, (a, b) => expect(toColumn(a) === toColumn(b)).toBe(a === b)),
    );
  });
});

describe("an event's row", () => {
  test("gives the event back, stamped with the batch", () => {
    const parts = fc.record(
      {
        data: fc.jsonValue().map((value) => asJson(value) as Json),
        correlationId: texts,
        metadata: fc.record({ userId: texts }, { requiredKeys: [], noNullPrototype: true }),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(parts, texts, (part, source) => {
        const given = event("a", { ...part, source });
        expect(fromRow(toRow(given, "b9"))).toStrictEqual({ ...given, batch: "b9" });
      }),
    );
  });

  test("names the user as distinct counts do", () => {
    const userOf = (metadata: Record<string, Json>) => toRow(event("a", { metadata }), "b")[8];
    expect(userOf({ userId: "u", anonymousId: "x" })).toBe("u");
    expect(userOf({ anonymousId: 7 })).toBe("7");
    expect(userOf({ userId: "", anonymousId: null })).toBeNull();
  });

  test("marks a body that may hold NUL in a key", () => {
    const bodyOf = (data: Json) => toRow(event("a", { data }), "b")[10];
    expect(bodyOf({ "a\u0000": 1 }).startsWith(" {")).toBe(true);
    expect(bodyOf({ a: 1 }).startsWith("{")).toBe(true);
  });
});
