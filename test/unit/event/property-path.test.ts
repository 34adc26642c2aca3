import fc from "fast-check";
import { nameOf, readPath, splitNames } from "../../../lib/event/property-path.ts";

test.each([
  ["type", ["type"]],
  ["data.plan", ["data", "plan"]],
  ["data.a.b", ["data", "a", "b"]],
  ['data["http.status"]', ["data", "http.status"]],
  ['data["a"]["b"].c', ["data", "a", "b", "c"]],
  ['data.a["b.c"].d', ["data", "a", "b.c", "d"]],
  ["data.tags[]", ["data", "tags", null]],
  ["data[]", ["data", null]],
  ["data.items[].sku", ["data", "items", null, "sku"]],
  ["data.m[][]", ["data", "m", null, null]],
  ['data["tags[]"]', ["data", "tags[]"]],
  ['data[""]', ["data", ""]],
  ['data["say \\"hi\\", \\\\"]', ["data", 'say "hi", \\']],
  ['data["\\u0000\\ud800"]', ["data", "\u0000\ud800"]],
  ["data.$where", ["data", "$where"]],
  ["data.__proto__", ["data", "__proto__"]],
  ["data.größe 😀", ["data", "größe 😀"]],
  ["data.a, b", ["data", "a, b"]],
  ['data.say "hi"', ["data", 'say "hi"']],
])("%s", (name, path) => {
  expect(readPath(name)).toEqual(path);
  expect(readPath(nameOf(readPath(name)!))).toEqual(path);
});

test.each([
  "",
  ".a",
  "data.",
  "data..a",
  "data.tags[0]",
  "data.tags[",
  "data.tags]",
  'data["a"',
  "data['a']",
  'data["a\\x"]',
  'data["a"]b',
  "data[].",
  "[]",
  '["data"].a',
  "data.\ud800",
  `data${".a".repeat(17)}`,
  `data.${"a".repeat(1_024)}`,
])("%j is no path", (name) => {
  expect(readPath(name)).toBeUndefined();
});

const keys = fc.string({
  unit: fc.oneof(fc.constantFrom(...'.[]"\\,$'), fc.string({ minLength: 1 })),
});
const paths = fc
  .array(fc.oneof(keys, fc.constant(null)), { maxLength: 5 })
  .map((inner) => ["data", ...inner] as const);

test("any path is read from its name", () => {
  fc.assert(fc.property(paths, (path) => expect(readPath(nameOf(path))).toEqual(path)));
});

test("names that are listed by comma stay whole", () => {
  fc.assert(
    fc.property(fc.array(paths, { minLength: 1, maxLength: 4 }), (listed) => {
      const names = listed.map((path) => nameOf(path));
      expect(splitNames(names.join(","))).toEqual(names);
    }),
  );
});
