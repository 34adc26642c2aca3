import fc from "fast-check";

/** Texts of keys within JSON, and what they mean. */
const meanings = {
  '\\"': '"',
  "\\\\": "\\",
  "\\/": "/",
  "\\n": "\n",
  "\\u000a": "\n",
  "\\u0022": '"',
  "\\u005C": "\\",
  "\\u0041": "A",
  "\\u540d": "名",
  "\\ud800": "\ud800",
  "\\u0031": "1",
  "\\n\\t": "\n\t",
  "a\\n": "a\n",
  '\\":': '":',
  __proto__: "",
  A: "A",
  名: "名",
} as const;
const written = fc.constantFrom(...(Object.keys(meanings) as (keyof typeof meanings)[]));
const meaningOf = (key: keyof typeof meanings) => (key === "__proto__" ? key : meanings[key]);

const space = fc.constantFrom("", " ", "\n\t");
const members = fc.array(fc.tuple(written, space, fc.constantFrom("1", '"\\n"', '"\\":"', "{}")));

test("a key that is one escape is read as what it means, whatever was read before", () => {
  fc.assert(
    fc.property(members, fc.nat({ max: 2 }), (given, depth) => {
      const expected: Record<string, unknown> = {};
      for (const [key, , value] of given) {
        Object.defineProperty(expected, meaningOf(key), {
          value: JSON.parse(value) as unknown,
          enumerable: true,
          configurable: true,
        });
      }
      const text = `{${given.map(([key, gap, value]) => `"${key}"${gap}:${value}`).join(",")}}`;
      const nested = '[{"\\u0041":'.repeat(depth) + text + "}]".repeat(depth);
      let read: unknown = JSON.parse(nested);
      for (let level = 0; level < depth; level++) read = (read as [{ A: unknown }])[0].A;
      expect(Object.entries(read as object)).toEqual(Object.entries(expected));
    }),
    { numRuns: 3_000 },
  );
});

test("a text that is no JSON is refused in its own words", () => {
  const text = '{"\\n":1,"a"}';
  expect(() => JSON.parse(text) as unknown).toThrow(SyntaxError);
  expect(() => JSON.parse(text) as unknown).toThrow(/at position 11\b/);
  expect(() => JSON.parse('{"\\n":"') as unknown).toThrow(SyntaxError);
  for (const escape of ["\\u41 0", "\\u+041", "\\uZZZZ", "\\x", "\\u00"]) {
    expect(() => JSON.parse(`{"\\n":1,"${escape}":2}`) as unknown).toThrow(SyntaxError);
  }
});

test("one such key leaves a million others as they are", () => {
  const text = `{"a":{"\\n":1,${'"":1,'.repeat(1_000_000)}"z":{"\\"":[{"\\t":2}]}}}`;
  expect(JSON.parse(text)).toEqual({ a: { "\n": 1, "": 1, z: { '"': [{ "\t": 2 }] } } });
});

test("a text that is nested deep is read", () => {
  const depth = 20_000;
  const text = '{"\\n":'.repeat(depth) + "1" + "}".repeat(depth);
  let read = JSON.parse(text) as object;
  for (let level = 1; level < depth; level++) read = (read as Record<string, object>)["\n"]!;
  expect(read).toEqual({ "\n": 1 });
});
