import { maxEventBytes } from "../../../../lib/event/limits.ts";
import { readCountsQuestion } from "../../../../lib/questions/counts.ts";
import { readEventFilter } from "../../../../lib/questions/reading/filter-parameters.ts";
import { readExportQuestion } from "../../../../lib/questions/lists/export.ts";
import { readListQuestion } from "../../../../lib/questions/lists/list.ts";
import { readMailQuestion } from "../../../../lib/questions/mail/question.ts";
import { readQuarantineQuestion } from "../../../../lib/questions/quarantine.ts";
import { readPredicate } from "../../../../lib/questions/reading/filter-body.ts";
import type { Findings } from "../../../../lib/questions/reading/field.ts";
import { readEntityFilters } from "../../../../lib/store/entities/query.ts";
import { findingsOf } from "../../../support/findings-of.ts";

const march = Date.UTC(2024, 2, 1);
const filterOf = (raw: object) => {
  const findings: Findings = [];
  const filter = readEventFilter(raw as never, findings);
  return { ...filter, findings };
};
const predicateOf = (value: unknown) => {
  const findings: Findings = [];
  return { predicate: readPredicate(value, "/filters", findings), findings };
};

test.each([
  ["a,b", ["a,b"]],
  [" a ", [" a "]],
  [
    ["a", "b,c", "a"],
    ["a", "b,c"],
  ],
  ["s".repeat(512), ["s".repeat(512)]],
])("source %j is asked for as it stands, in every question", (source, sources) => {
  expect(filterOf({ source })).toMatchObject({ sources, findings: [] });
  expect(readListQuestion({ source }).filter.sources).toEqual(sources);
  expect(readExportQuestion({ source }).filter.sources).toEqual(sources);
  expect(readCountsQuestion({ source }, []).sources).toEqual(sources);
  expect(readMailQuestion({ source }).filter.sources).toEqual(sources);
});

test.each([
  ["a,b", ["a", "b"]],
  ["Order Completed, b", ["Order Completed", "b"]],
  [
    ["a", "b"],
    ["a", "b"],
  ],
])("type %j lists several", (type, types) => {
  expect(filterOf({ type })).toMatchObject({ types, findings: [] });
  expect(readCountsQuestion({ type }, []).types).toEqual(types);
});

test.each([[""], [[]], [["a", ""]], [Array.from({ length: 101 }, (_, i) => `s${i}`)], [7]])(
  "source %j is refused",
  (source) => {
    expect(filterOf({ source }).findings).toMatchObject([{ pointer: "source" }]);
  },
);

test.each(["userId", "correlationId"])("%s is one value, and several are told as such", (name) => {
  expect(filterOf({ [name]: "a" })).toMatchObject({ [name]: "a", findings: [] });
  const finding = { pointer: name, code: "text", message: `${name} takes one value, not several` };
  expect(filterOf({ [name]: ["a", "b"] }).findings).toEqual([finding]);
});

test("a user is found by any name that an event can have", () => {
  const userId = "u".repeat(maxEventBytes);
  expect(filterOf({ userId })).toMatchObject({ userId, findings: [] });
  expect(readQuarantineQuestion({ userId }, "p")).toMatchObject({ userId });
  expect(filterOf({ userId: `${userId}u` }).findings).toMatchObject([{ pointer: "userId" }]);
  expect(filterOf({ userId: "\ud800" }).findings).toMatchObject([{ pointer: "userId" }]);
});

test.each([
  [{ 'data["http.status"]': "200" }, ["data", "http.status"], "is", ["200", 200]],
  [{ 'data["http.status"]': { is: "200" } }, ["data", "http.status"], "is", ["200", 200]],
  [{ 'data["http.status"][is_not]': "x" }, ["data", "http.status"], "is_not", ["x"]],
  [{ "data.tags[]": ["a", "b"] }, ["data", "tags", null], "is", ["a", "b"]],
  [{ "data.tags[][is]": "a" }, ["data", "tags", null], "is", ["a"]],
  [{ "data.items[].sku": "a" }, ["data", "items", null, "sku"], "is", ["a"]],
  [{ 'data["a[is]"]': "x" }, ["data", "a[is]"], "is", ["x"]],
  [{ "data.plan[shown_as]": "(none)" }, ["data", "plan"], "shown_as", ["(none)"]],
  [{ "data.plan[shown_as]": ["10", ""] }, ["data", "plan"], "shown_as", ["10", ""]],
])("parameter %j", (raw, path, op, values) => {
  expect(filterOf(raw)).toMatchObject({ where: [{ path, op, values }], findings: [] });
  expect(readListQuestion(raw).filter.where).toEqual([{ path, op, values }]);
});

test.each([["data.a[0]"], ["data."], ['data["a]'], ["data.a[like]"], ["datax"], ["data.a[]["]])(
  "a parameter %s is refused",
  (name) => {
    expect(findingsOf(() => readListQuestion({ [name]: "x" }))).toMatchObject([{ pointer: name }]);
  },
);

test.each(["timestamp", "receivedAt"])("%s is compared with instants wherever it is", (name) => {
  const condition = { path: [name], op: "gte", value: march };
  for (const instant of ["2024-03-01T00:00:00Z", "2024-03-01T05:30:00+05:30", march, `${march}`]) {
    expect(predicateOf(["gte", name, instant])).toEqual({ predicate: condition, findings: [] });
    expect(filterOf({ [`${name}[gte]`]: instant })).toMatchObject({ where: [condition] });
    expect(filterOf({ [name]: { gte: instant } })).toMatchObject({ where: [condition] });
    expect(readEntityFilters({ query: { [name]: { $gte: instant } } }).where).toEqual([condition]);
  }
  const both = { path: [name], op: "is", values: [march, march + 1] };
  const two = ["2024-03-01T00:00:00Z", "2024-03-01T00:00:00.001Z"];
  expect(predicateOf(["is", name, two]).predicate).toEqual(both);
  expect(filterOf({ [name]: two })).toMatchObject({ where: [both] });
  expect(predicateOf(["exists", name, true]).findings).toEqual([]);
});

test.each([
  ["gte", "soon"],
  ["gte", "2024-03-01"],
  ["is", null],
  ["is", ["2024-03-01T00:00:00Z", true]],
  ["lt", 1.5],
  ["lt", 1e300],
  ["contains", "2024"],
  ["starts_with", "2024"],
  ["shown_as", "2024-03-01T00:00:00Z"],
])("%s of %j is no comparison of an instant", (op, operand) => {
  const finding = { findings: [{ pointer: "/filters/2", code: "value" }] };
  expect(predicateOf([op, "timestamp", operand])).toMatchObject(finding);
  const name = `receivedAt[${op}]`;
  expect(filterOf({ [name]: operand }).findings).toMatchObject([{ pointer: name }]);
});

const longest = "x".repeat(65_536);

test.each(["is", "is_not", "shown_as"])("%s takes texts of any length, within a sum", (op) => {
  const given = (...values: readonly string[]) => [
    predicateOf([op, "data.a", values]).findings,
    predicateOf(["and", ...values.map((value) => ["not", [op, "data.a", value]])]).findings,
    filterOf({ [`data.a[${op}]`]: values }).findings,
  ];
  const none = [[], [], []];
  expect(given("x".repeat(1_025))).toEqual(none);
  expect(given(longest)).toEqual(none);
  expect(given(longest, longest, longest, longest)).toEqual(none);
  const tooLong = [{ code: "filter_size" }];
  expect(given(longest, longest, longest, longest, "x")).toMatchObject([tooLong, tooLong, tooLong]);
  const many = Array<string>(101).fill("x");
  expect(predicateOf([op, "data.a", many]).findings).toMatchObject([{ code: "value" }]);
});

test.each(["contains", "starts_with", "gt", "lte"])("%s takes a text of 1,024 characters", (op) => {
  expect(predicateOf([op, "data.a", "x".repeat(1_024)]).findings).toEqual([]);
  expect(predicateOf([op, "data.a", "x".repeat(1_025)]).findings).toMatchObject([
    { code: "value", message: expect.stringContaining("1024 characters") as string },
  ]);
});

test("fields are listed by comma, keys with commas in quotes", () => {
  const paths = [["id"], ["data", "a,b"], ["data", "items", null, "sku"]];
  expect(readListQuestion({ fields: 'id,data["a,b"],data.items[].sku' }).fields).toEqual(paths);
  const repeated = ["id", 'data["a,b"]', "data.items[].sku"];
  expect(readExportQuestion({ fields: repeated }).text.fields).toEqual(paths);
});
