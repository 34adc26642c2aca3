import { readRetention } from "../../../lib/questions/retention.ts";
import { findingsOf, pointersOf } from "../../support/findings-of.ts";

const refused = (types: object) => pointersOf(() => readRetention({ types }));

test("a retention is by types that events can have", () => {
  const types = { "page viewed ": "7d", " ": "1d", "": "1d", "a/b": null, "a\u0000/": null };
  expect(findingsOf(() => readRetention({ types }))).toEqual(
    ["/types/page viewed ", "/types/ ", "/types/", "/types/a\u0000~1"].map((pointer) => ({
      pointer,
      code: "type",
      message: "this is no type that an event can have",
    })),
  );
  expect(refused({ ["x".repeat(129)]: "1d" })).toHaveLength(1);
  expect(readRetention({ types: { "Страница открыта": "7d", "a/b": null } })).toMatchObject({
    types: { "Страница открыта": 7, "a/b": null },
  });
});

test("it is by 100 types at most, each with an age", () => {
  const types = Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`t ${i} `, "1d"]));
  expect(refused(types)).toEqual(["/types"]);
  expect(refused({ a: "1 day" })).toEqual(["/types"]);
});
