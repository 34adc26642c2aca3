import fc from "fast-check";
import { readQueryString } from "../../../lib/http/query-string.ts";

test.each([
  ["", {}],
  ["a=1&b=2", { a: "1", b: "2" }],
  ["a=1&b=2&a=3&a=1", { a: ["1", "3", "1"], b: "2" }],
  [
    "data.amount[gte]=10&data.amount%5Blt%5D=20",
    { "data.amount[gte]": "10", "data.amount[lt]": "20" },
  ],
  ["data.tags[]=a&data.tags[]=b", { "data.tags[]": ["a", "b"] }],
  ["data[%22http.status%22]=200", { 'data["http.status"]': "200" }],
  ["a=b=c&flag&empty=", { a: "b=c", flag: "", empty: "" }],
  ["a+b=c+d%2B", { "a b": "c d+" }],
  ["constructor=1&toString=2&constructor=3", { constructor: ["1", "3"], toString: "2" }],
])("%s", (search, parameters) => {
  expect(readQueryString(search)).toEqual(parameters);
});

test.each([
  ["an empty pair", "a=1&&b=2"],
  ["a pair too many at the end", "a=1&"],
  ["1,000 empty pairs before a filter", "&".repeat(1_000) + "type=a"],
  ["2,000 pairs before a filter", "a=1&".repeat(2_000) + "type=a"],
  ["no name", "=1"],
  ["half a percent-encoding", "a=%4"],
  ["a percent-encoding that is none", "%zz=1"],
  ["what is not UTF-8", "a=%ff"],
  ["half a surrogate pair", "a=%ed%a0%80"],
])("%s is malformed", (_name, search) => {
  expect(() => readQueryString(search)).toThrow(
    expect.objectContaining({ type: "MALFORMED" }) as Error,
  );
});

test.each(["__proto__=1", "__proto__=1&__proto__=2", "%5f_proto__=x&type=a"])(
  "%s names what no object can hold",
  (search) => {
    expect(() => readQueryString(search)).toThrow(
      expect.objectContaining({
        type: "VALIDATION",
        data: { errors: [expect.objectContaining({ pointer: "__proto__" })] },
      }) as Error,
    );
  },
);

test("nothing that was written is lost or changed, whatever it is", () => {
  const text = fc.string({ unit: "grapheme" });
  const name = fc.oneof(
    text.filter((each) => each !== "" && each !== "__proto__"),
    fc.constantFrom("constructor", "toString", "hasOwnProperty", "a", "a[b][c]", "a[]", "a.b"),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(name, text), { maxLength: 50 }), (pairs) => {
      const search = pairs
        .map(([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`)
        .join("&");
      const found = readQueryString(search);
      for (const key of new Set(pairs.map(([each]) => each))) {
        const values = pairs.filter(([each]) => each === key).map(([, value]) => value);
        expect([found[key]].flat()).toEqual(values);
      }
      expect(Object.keys(found).length).toBe(new Set(pairs.map(([each]) => each)).size);
    }),
  );
});
