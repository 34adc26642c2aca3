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
