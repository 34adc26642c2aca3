import fc from "fast-check";
import { readCountsQuestion } from "../../../lib/questions/counts.ts";
import { builtInDimensions } from "../../../lib/counting/dimensions.ts";
import { cursorOf, readListQuestion } from "../../../lib/questions/lists/list.ts";
import type { Raw } from "../../../lib/questions/reading/field.ts";
import { ServiceError } from "../../../lib/errors.ts";

const counts = (raw: Raw) => readCountsQuestion(raw, builtInDimensions);

function findingsOf(read: () => unknown): string[] {
  try {
    read();
  } catch (error) {
    if (error instanceof ServiceError)
      return (error.data.errors ?? []).map(({ pointer }) => pointer);
    throw error;
  }
  return [];
}

describe("readListQuestion", () => {
  test("has defaults", () => {
    expect(readListQuestion({})).toMatchObject({
      order: "desc",
      limit: 100,
      total: false,
      filter: { where: [] },
    });
  });

  test("reads lists by comma, instants, and a page", () => {
    const question = readListQuestion({
      type: "a,b",
      from: "2026-01-01T00:00:00Z",
      to: "1767312000000",
      limit: "7",
      order: "asc",
      include: "total",
    });
    expect(question).toMatchObject({
      filter: { types: ["a", "b"], from: Date.UTC(2026, 0, 1), to: 1_767_312_000_000 },
      limit: 7,
      order: "asc",
      total: true,
    });
  });

  test("a text of a URL also stands for the number, boolean or null that it spells", () => {
    const { filter } = readListQuestion({
      "data.n": "5",
      "data.flag": "true",
      "data.none": "null",
      "data.text": "5x",
    });
    expect(filter.where).toEqual([
      { path: ["data", "n"], op: "is", values: ["5", 5] },
      { path: ["data", "flag"], op: "is", values: ["true", true] },
      { path: ["data", "none"], op: "is", values: ["null", null] },
      { path: ["data", "text"], op: "is", values: ["5x"] },
    ]);
  });

  test("operators stand in brackets", () => {
    const { filter } = readListQuestion({
      "data.amount": { gte: "10", lt: "20.5" },
      "data.name": { contains: "x", starts_with: "1", exists: "true", is_not: ["a", "b"] },
    });
    expect(filter.where).toEqual([
      { path: ["data", "amount"], op: "gte", value: 10 },
      { path: ["data", "amount"], op: "lt", value: 20.5 },
      { path: ["data", "name"], op: "contains", value: "x" },
      { path: ["data", "name"], op: "starts_with", value: "1" },
      { path: ["data", "name"], op: "exists", value: true },
      { path: ["data", "name"], op: "is_not", values: ["a", "b"] },
    ]);
  });

  test("bot=exclude keeps what nobody called a bot", () => {
    expect(readListQuestion({ bot: "exclude" }).filter.where).toEqual([
      { path: ["context", "bot"], op: "is_not", values: [true] },
    ]);
    expect(readListQuestion({ bot: "only" }).filter.where).toEqual([
      { path: ["context", "bot"], op: "is", values: [true] },
    ]);
  });

  test("a cursor is a place in the same list, and in no other", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 ** 45 }),
        fc.stringMatching(/^[A-Za-z0-9._:@/+-]{1,128}$/),
        (timestamp, id) => {
          const raw = { type: "a", order: "asc" };
          const cursor = cursorOf({ timestamp, id }, readListQuestion(raw));
          expect(readListQuestion({ ...raw, cursor }).after).toEqual({ timestamp, id });
          expect(findingsOf(() => readListQuestion({ ...raw, type: "b", cursor }))).toEqual([
            "cursor",
          ]);
          expect(
            findingsOf(() => readListQuestion({ ...raw, cursor: `${cursor.slice(0, -3)}xyz` })),
          ).toEqual(["cursor"]);
        },
      ),
    );
  });

  test.each([
    [{ foo: "1" }, ["foo"]],
    [{ limit: "0" }, ["limit"]],
    [{ limit: "1001" }, ["limit"]],
    [{ limit: "1e3" }, ["limit"]],
    [{ order: "up" }, ["order"]],
    [{ type: "" }, ["type"]],
    [{ type: "a,,b" }, ["type"]],
    [{ from: "soon" }, ["from"]],
    [{ from: "2026-01-02T00:00:00Z", to: "2026-01-01T00:00:00Z" }, ["to"]],
    [{ "data.": "x" }, ["data."]],
    [{ "data.a": { $where: "1" } }, ["data.a"]],
    [{ "data.a": { gt: "" } }, ["data.a"]],
    [{ "data.a": { contains: "" } }, ["data.a"]],
    [{ fields: "id,password" }, ["fields"]],
    [{ foo: "1", limit: "a", cursor: "b" }, ["foo", "limit", "cursor"]],
  ])("refuses %j and names what is wrong", (raw, pointers) => {
    expect(findingsOf(() => readListQuestion(raw)).sort()).toEqual([...pointers].sort());
  });

  test("whatever is asked, it is read or refused with findings", () => {
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.oneof(fc.string(), fc.constantFrom("type", "from", "data.a", "cursor", "limit")),
          fc.jsonValue(),
        ),
        (raw) => {
          try {
            readListQuestion(raw);
          } catch (error) {
            expect(error).toBeInstanceOf(ServiceError);
            expect((error as ServiceError).data.errors?.length).toBeGreaterThan(0);
          }
        },
      ),
    );
  });
});

describe("readCountsQuestion", () => {
  test("has defaults", () => {
    expect(counts({})).toMatchObject({ timezone: "UTC", limit: 1_000, page: { offset: 0 } });
  });

  test("a dimension may be called by its short name", () => {
    expect(counts({ groupBy: "utm.source" }).groupBy).toBe("context.utm.source");
    expect(counts({ groupBy: "referrer" }).groupBy).toBe("context.referrer");
  });

  test.each([
    [{ interval: "fortnight" }, ["interval"]],
    [{ timezone: "Mars/Olympus" }, ["timezone"]],
    [{ timezone: "+01:00" }, ["timezone"]],
    [{ groupBy: "data.plan" }, ["groupBy"]],
    [{ limit: "0" }, ["limit"]],
    [{ limit: "10001", cursor: "x" }, ["limit", "cursor"]],
  ])("refuses %j", (raw, pointers) => {
    expect(findingsOf(() => counts(raw))).toEqual(pointers);
  });
});
