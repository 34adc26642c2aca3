import fc from "fast-check";
import { mergePatch } from "../../../page/pure/merge-patch.ts";

/** RFC 7396, section 2. */
function merged(target: unknown, patch: unknown): unknown {
  if (typeof patch !== "object" || patch === null || Array.isArray(patch)) return patch;
  const isObject = typeof target === "object" && target !== null && !Array.isArray(target);
  const result = new Map(isObject ? Object.entries(target) : []);
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) result.delete(name);
    else result.set(name, merged(result.get(name), value));
  }
  return Object.fromEntries(result);
}

const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof(
    { maxDepth: 3 },
    fc.oneof(fc.integer({ max: 3, min: 0 }), fc.constantFrom("a", "__proto__", true)),
    fc.array(fc.oneof(fc.constant(null), tie("tree")), { maxLength: 2 }),
    fc.dictionary(fc.constantFrom("a", "b", "c", "__proto__"), tie("tree"), {
      noNullPrototype: true,
    }),
  ),
}));

test("a merge patch makes one value of any other", () => {
  fc.assert(
    fc.property(tree, tree, (from, to) => {
      expect(JSON.stringify(sorted(merged(from, mergePatch(from, to))))).toBe(
        JSON.stringify(sorted(to)),
      );
    }),
  );
});

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([name, one]) => [name, sorted(one)] as const);
  return entries.toSorted(([one], [other]) => (one < other ? -1 : 1));
}

test("it names what differs alone, and takes away what is left out, at any depth", () => {
  const from = { id: "1", data: { amount: "3", extra: 1, kept: [1, null] }, source: "a" };
  const to = { id: "1", data: { amount: 3, kept: [1, null] }, type: "t" };
  expect(mergePatch(from, to)).toEqual({
    ...{ source: null, type: "t", data: { extra: null, amount: 3 } },
  });
  expect(mergePatch(from, structuredClone(from))).toEqual({});
});
