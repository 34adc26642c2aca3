import { compileSchema, findingsOfSchema } from "../../../lib/event/schemas/check.ts";
import { inferSchema } from "../../../lib/event/schemas/infer.ts";
import type { Json, JsonObject, StoredEvent } from "../../../lib/event/event.ts";
import { mergePatch } from "../../../lib/questions/quarantine.ts";
import fc from "fast-check";

const codes = (schema: unknown) =>
  findingsOfSchema(schema).map(({ pointer, code }) => `${code} ${pointer}`);
const ofData = (data: JsonObject): JsonObject => ({ properties: { data }, required: ["data"] });
const check = (schema: JsonObject, data?: Json) =>
  compileSchema(ofData(schema))({
    type: "t",
    source: "s",
    ...(data !== undefined && { data }),
  }).map(({ pointer, code }) => `${code} ${pointer}`);
const nested = (n: number) =>
  Object.fromEntries(
    Array.from({ length: n }, (_, i) => [
      `d${i}`,
      i === n - 1 ? {} : { anyOf: [{ $ref: `#/$defs/d${i + 1}` }, { $ref: `#/$defs/d${i + 1}` }] },
    ]),
  );

test.each<[string, unknown, readonly string[]]>([
  ["no object", true, ["type "]],
  ["an unknown keyword", { properties: { a: { kind: 1 } } }, ["keyword /properties/a/kind"]],
  ["a keyword's own rule", { minimum: "1" }, ["type /minimum"]],
  ["look-around", { pattern: "(?=a)b" }, ["pattern /pattern"]],
  [
    "a back reference",
    { patternProperties: { "(a)\\1": {} } },
    ["pattern /patternProperties/(a)\\1"],
  ],
  [
    "large patterns",
    { allOf: [{ pattern: "a{600}" }, { pattern: "b{600}" }] },
    ["too_large /allOf/1/pattern"],
  ],
  ["a reference elsewhere", { $ref: "https://a.test/b" }, ["reference /$ref"]],
  ["one to nothing", { $ref: "#/$defs/a" }, ["reference /$ref"]],
  ["a circle", { items: { $ref: "#" } }, ["circle "]],
  ["one to what is no schema", { examples: [{}], $ref: "#/examples/0" }, ["reference /$ref"]],
  [
    "one to schemas, in place of a schema",
    { properties: { a: { $ref: "#/properties" } } },
    ["reference /properties/a/$ref"],
  ],
  ["references that grow", { $defs: nested(20), $ref: "#/$defs/d0" }, ["too_large "]],
  ...["properties", "patternProperties", "dependentSchemas"].map(
    (word): [string, unknown, readonly string[]] => [
      `references that grow under a name of ${word}`,
      { $defs: nested(20), [word]: { $defs: { $ref: "#/$defs/d0" } } },
      ["too_large "],
    ],
  ),
  [
    "a circle under a name",
    { properties: { $defs: { properties: { $defs: { $ref: "#/properties/$defs" } } } } },
    ["circle "],
  ],
  ["an unknown format", { format: "regex" }, ["format /format"]],
  [
    "a property that the library passes over",
    { properties: { data: { properties: JSON.parse('{"__proto__":{}}') as JsonObject } } },
    ["name /properties/data/properties/__proto__"],
  ],
  ["another draft", { $schema: "http://json-schema.org/draft-07/schema#" }, ["draft /$schema"]],
  ["a large one", { description: "x".repeat(32_769) }, ["too_large "]],
  [
    "what only looks like a reference or a schema",
    {
      properties: { $ref: { const: { $ref: "#" } }, $defs: { enum: [{ pattern: "(?=a)" }] } },
      $defs: { a: true },
      items: { $ref: "#/$defs/a" },
    },
    [],
  ],
  ["what is fine", { $defs: nested(8), $ref: "#/$defs/d0", format: "email", pattern: "^a+$" }, []],
])("a schema with %s is told", (_, schema, expected) => {
  expect(codes(schema)).toEqual(expected);
});

test("an event is told each thing that is wrong, at its place, by its own patterns", () => {
  const schema = {
    properties: {
      a: { pattern: "^a+$" },
      b: { pattern: "^b+$" },
      list: { uniqueItems: true },
      mail: { format: "email" },
      constructor: { type: "string" },
    },
    required: ["a", "toString"],
    additionalProperties: false,
  };
  expect(check(schema, { a: "aa", b: "bb", list: [1, "1"], toString: 1 }).sort()).toEqual([
    "additionalProperties /data/toString",
  ]);
  const wrong = {
    b: "aa",
    list: [
      { x: 1, y: 2 },
      { y: 2, x: 1 },
    ],
    mail: "@",
    c: 1,
  };
  expect(check(schema, wrong).sort()).toEqual([
    "additionalProperties /data/c",
    "format /data/mail",
    "pattern /data/b",
    "required /data/a",
    "required /data/toString",
    "uniqueItems /data/list",
  ]);
  expect(check(schema)).toEqual(["required /data"]);
});

/** With a matcher that tries, the first would end after the universe. */
test("what takes others a time that explodes ends here", () => {
  const long = "x".repeat(60_000);
  expect(check({ pattern: "^(x+x+)+y$" }, long)).toEqual(["pattern /data"]);
  expect(check({ format: "email" }, long)).toEqual(["format /data"]);
  const items = Array.from({ length: 10_000 }, (_, i) => ({ i }));
  expect(check({ uniqueItems: true }, items)).toEqual([]);
});

const other = Array.from({ length: 600 }, (_, i): JsonObject => ({ const: `x${i}` }));
const some = other.slice(0, 60);
const anyOf: JsonObject = { anyOf: [...other, { const: 1 }] };

test.each<[string, JsonObject, Json]>([
  ["alternatives for each item", { items: anyOf }, 1],
  ["alternatives that fail", { items: { not: { anyOf: other } } }, 1],
  [
    "those behind a reference",
    { $defs: { a: anyOf }, items: { $ref: "#/properties/data/$defs/a" } },
    1,
  ],
  ["those of a property of each item", { items: { properties: { a: anyOf } } }, { a: 1 }],
  ["those of the items within", { items: { contains: anyOf } }, [1]],
  ["lists to compare with", { items: { enum: [...other, { a: 1 }] } }, { a: 1 }],
  ["lengths", { items: { allOf: some.map((_, i) => ({ maxLength: 99 + i })) } }, "a".repeat(20)],
  [
    "formats",
    { items: { allOf: some.map((): JsonObject => ({ anyOf: [{ format: "email" }, {}] })) } },
    "a.b".repeat(9),
  ],
  ["a large pattern", { items: { anyOf: [{ pattern: "a[ab]{450}c" }, {}] } }, "cab".repeat(9)],
])(
  "an event of many values is not checked where a schema has %s, one of few is",
  (_, schema, value) => {
    expect(check(schema, Array<Json>(3_000).fill(value))).toEqual(["too_costly "]);
    expect(check(schema, [value])).toEqual([]);
  },
);

test("an event is not too costly for what meets each of its values once", () => {
  const names = Array.from({ length: 40 }, (_, i) => `p${i}`);
  const row = Object.fromEntries(names.map((name) => [name, { type: "integer", minimum: 0 }]));
  const rows = Array.from({ length: 200 }, () => Object.fromEntries(names.map((n) => [n, 1])));
  const schema = { items: { properties: row, required: names, additionalProperties: false } };
  expect(check(schema, rows)).toEqual([]);
  const text = "a".repeat(60_000);
  expect(check({ items: { pattern: "^[^<>]*$", maxLength: 60_000 } }, [text])).toEqual([]);
  const currency = { enum: Array.from({ length: 180 }, (_, i) => `C${i}`) };
  expect(check({ items: currency }, Array<Json>(5_000).fill("C179"))).toEqual([]);
});

test("items are equal where they are the same JSON", () => {
  const isUnique = (...items: Json[]) => check({ uniqueItems: true }, items).length === 0;
  expect(isUnique({ a: 1 }, [["a", 1]], { members: [["a", 1]] }, {}, [], "", null, "null")).toBe(
    true,
  );
  expect(isUnique({ a: 1, b: [{}] }, { b: [{}], a: 1 })).toBe(false);
});

const stored = (data: Json | undefined): StoredEvent => ({
  id: "a",
  type: "t",
  source: "s",
  timestamp: 0,
  receivedAt: 0,
  project: "p",
  context: {},
  batch: "b",
  hash: "h",
  ...(data !== undefined && { data }),
});

test("what is proposed is a schema that all events keep from which it was learnt", () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.jsonValue({ maxDepth: 4 }), { nil: undefined })), (all) => {
      const events = all.map((data) => stored(data as Json | undefined));
      const schema = inferSchema(events);
      expect(findingsOfSchema(schema)).toEqual([]);
      const keeps = compileSchema(schema);
      for (const event of events) expect(keeps(event)).toEqual([]);
    }),
    { numRuns: 50 },
  );
});

test("what is proposed says nothing of a property that no schema can describe", () => {
  const data = JSON.parse('{"__proto__":1,"a":1}') as Json;
  const properties = {
    data: { type: "object", properties: { a: { type: "integer" } }, required: ["a"] },
  };
  expect(inferSchema([stored(data)])).toEqual({ type: "object", properties, required: ["data"] });
});

test("what is proposed is as narrow as what came", () => {
  const events: Json[] = [
    { amount: 1, tags: ["a"] },
    { amount: 1.5, tags: [] },
    { amount: 2, more: null },
  ];
  expect(inferSchema(events.map((data) => stored(data)))).toEqual({
    type: "object",
    properties: {
      data: {
        type: "object",
        properties: {
          amount: { type: "number" },
          more: { type: "null" },
          tags: { type: "array", items: { type: "string" } },
        },
        required: ["amount"],
      },
    },
    required: ["data"],
  });
});

/** RFC 7396, appendix A. */
test.each<[Json, Json, Json]>([
  [{ a: "b" }, { a: "c" }, { a: "c" }],
  [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
  [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
  [{ a: ["b"] }, { a: "c" }, { a: "c" }],
  [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
  [
    ["a", "b"],
    ["c", "d"],
    ["c", "d"],
  ],
  [{ a: "foo" }, null, null],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [[1, 2], { a: "b", c: null }, { a: "b" }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
])("%j patched with %j is %j", (target, patch, expected) => {
  expect(mergePatch(target, patch)).toEqual(expected);
});
