import { preconditionOf, entityTagOf } from "../../../lib/http/headers.ts";

describe("what a write demands", () => {
  test.each([
    [{}, "any"],
    [{ "if-none-match": " * " }, "absent"],
    [{ "if-match": "*" }, "present"],
    [{ "if-match": '"a"' }, { versions: ["a"] }],
    [{ "if-match": '"a", "b-1"' }, { versions: ["a", "b-1"] }],
    [{ "if-match": 'W/"a"' }, { versions: [] }],
    [{ "if-match": '""' }, { versions: [""] }],
    [{ "if-match": entityTagOf("v1") }, { versions: ["v1"] }],
  ])("by %j is %j", (headers, demand) => {
    expect(preconditionOf(headers)).toEqual(demand);
  });

  test.each([
    { "if-match": "a" },
    { "if-match": "" },
    { "if-match": '"a",' },
    { "if-none-match": '"a"' },
    { "if-match": "*", "if-none-match": "*" },
  ])("cannot be told from %j", (headers) => {
    expect(() => preconditionOf(headers)).toThrow(
      expect.objectContaining({ type: "MALFORMED" }) as Error,
    );
  });
});
