import { builtInDimensions } from "../../../lib/counting/dimensions.ts";
import { planOf, typesOf } from "../../../lib/answers/plan.ts";
import { filtersOf, readPredicate } from "../../../lib/questions/reading/filter-body.ts";
import { readQueryQuestion } from "../../../lib/questions/query/question.ts";

const rolledUp = [...builtInDimensions, "data.plan"];
const planned = (body: object) => planOf(readQueryQuestion(body), rolledUp);

describe("rollups suffice", () => {
  test.each<[object, object]>([
    [{}, { section: "types", users: false }],
    [
      { metrics: ["count", "uniques"], dimensions: ["type", "time:day"] },
      { section: "types", users: true },
    ],
    [{ dimensions: ["source", "type"] }, { section: "source" }],
    [{ dimensions: ["utm.campaign"] }, { section: "context.utm.campaign" }],
    [{ dimensions: ["data.plan"] }, { section: "data.plan" }],
    [{ filters: ["is", "context.country", ["DE", "AT"]] }, { section: "context.country" }],
    [{ filters: ["not", ["is", "context.bot", true]] }, { section: "context.bot" }],
    [{ filters: ["starts_with", "type", "mail."], dimensions: ["source"] }, { section: "source" }],
  ])("for %j", (body, expected) => {
    expect(planned(body)).toMatchObject({ source: "rollup", ...expected });
  });
});

describe("the events are needed", () => {
  test.each<[string, object]>([
    ["for other metrics", { metrics: ["count", "sum:data.amount"] }],
    ["for a property that is not rolled up", { dimensions: ["data.other"] }],
    ["for two dimensions at once", { dimensions: ["source", "context.os"] }],
    [
      "for a filter on another dimension",
      { dimensions: ["source"], filters: ["is", "context.os", "iOS"] },
    ],
    ["for users of a part", { metrics: ["uniques"], dimensions: ["source"] }],
    ["for parts of texts", { filters: ["contains", "source", "shop"] }],
    ["where 10 and the text 10 are one value", { filters: ["is", "data.plan", 10] }],
    ["where a text may stand for none", { filters: ["is", "source", "(none)"] }],
    ["where a value is cut", { filters: ["is", "source", "x".repeat(256)] }],
    ["for a boolean asked as a text", { filters: ["is", "context.bot", "true"] }],
  ])("%s", (_, body) => {
    expect(planned(body).source).toBe("events");
  });
});

test("types are told where only events of those can meet a filter", () => {
  const types = (filter: unknown) => typesOf(readPredicate(filter, "", [])!);
  const isA = ["is", "type", ["a", "b"]];
  const big = ["gt", "data.n", 1];
  expect(types(isA)).toEqual(["a", "b"]);
  expect(types(["and", isA, big])).toEqual(["a", "b"]);
  expect(types(["and", isA, ["is", "type", "b"]])).toEqual(["b"]);
  expect(types(["or", isA, ["is", "type", "c"]])).toEqual(["a", "b", "c"]);
  expect(types(["or", isA, big])).toBeUndefined();
  expect(types(["not", isA])).toBeUndefined();
});

test("a filter is shown as it was read", () => {
  const filter = [
    "and",
    ["is", "type", ["a"]],
    ["or", ["not", ["exists", "data.x", true]], ["gte", "data.n", 10]],
  ];
  expect(filtersOf(readPredicate(filter, "", [])!)).toEqual(filter);
});
