import fc from "fast-check";
import {
  cutCells,
  emptyCells,
  isCut,
  isCutSection,
  maxDimensionValues,
  maxKeyLength,
  maxTypes,
  mergeCells,
  mergeTypes,
  mergeUsers,
  mergeValues,
  NONE,
  OTHER,
  sectionOf,
  type Cells,
  type ValueCounts,
} from "../../../lib/counting/cells.ts";
import { cellsOf } from "../../../lib/counting/delta.ts";
import { mergeAll, sketchOf } from "../../../lib/counting/sketch.ts";
import { canonical, eventsWithin } from "../../support/arbitraries.ts";

/** Cells as they come from batches, also of times when other dimensions were configured. */
const cells = fc
  .tuple(
    eventsWithin(60_000, 20),
    fc.subarray(["source", "context.browser", "context.utm.source", "data.a"]),
  )
  .map(([events, dimensions]) => cellsOf(events, dimensions));

function sumOf(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

function expectConserved({ types, dimensions }: Cells): void {
  for (const values of Object.values(dimensions)) {
    const sums = Object.entries(values).map(([type, counts]) => [type, sumOf(counts)] as const);
    expect(new Map(sums)).toEqual(new Map(Object.entries(types)));
  }
}

function valuesOf(
  entries: readonly (readonly [type: string, value: string, count: number])[],
): Cells {
  const types: Record<string, number> = {};
  const values: Record<string, Record<string, number>> = {};
  for (const [type, value, count] of entries) {
    types[type] = (types[type] ?? 0) + count;
    (values[type] ??= {})[value] = count;
  }
  return { types, users: {}, dimensions: { d: values } };
}

function kept(values: ValueCounts | undefined): Set<string> {
  const all = new Set(Object.values(values ?? {}).flatMap((counts) => Object.keys(counts)));
  all.delete(NONE);
  all.delete(OTHER);
  return all;
}

describe("mergeCells", () => {
  test("does not care about order or grouping", () => {
    fc.assert(
      fc.property(cells, cells, cells, (a, b, c) => {
        const all = canonical(mergeCells([a, b, c]));
        expect(canonical(mergeCells([mergeCells([a, b]), c]))).toEqual(all);
        expect(canonical(mergeCells([b, mergeCells([c, a])]))).toEqual(all);
        expect(canonical(mergeCells([emptyCells(), c, b, a]))).toEqual(all);
      }),
    );
  });

  test("conserves: for each dimension and type the values sum up to the type", () => {
    fc.assert(
      fc.property(fc.array(cells, { maxLength: 5 }), (parts) => {
        parts.forEach(expectConserved);
        expectConserved(mergeCells(parts));
      }),
    );
  });

  test("is the sum of each section", () => {
    fc.assert(
      fc.property(fc.array(cells, { maxLength: 5 }), (parts) => {
        const sum = mergeCells(parts);
        expect(canonical(sum.types)).toEqual(
          canonical(mergeTypes(parts.map((part) => sectionOf(part, "types")))),
        );
        expect(canonical(sum.users)).toEqual(
          canonical(mergeUsers(parts.map((part) => sectionOf(part, "users")))),
        );
        for (const dimension of ["source", "data.a"]) {
          expect(canonical(sectionOf(sum, dimension))).toEqual(
            canonical(mergeValues(parts.map((part) => sectionOf(part, dimension)))),
          );
        }
      }),
    );
  });

  test("takes cells that went through JSON or a structured clone, whatever their keys", () => {
    fc.assert(
      fc.property(cells, cells, (a, b) => {
        const all = canonical(mergeCells([a, b]));
        const parsed = JSON.parse(JSON.stringify(a)) as Cells;
        expect(canonical(mergeCells([parsed, structuredClone(b)]))).toEqual(all);
        expect(canonical(cutCells(parsed))).toEqual(canonical(a));
      }),
    );
    const hostile = JSON.parse(
      '{"types":{"__proto__":2},"users":{"__proto__":""},"dimensions":{"__proto__":{"__proto__":{"__proto__":2}}}}',
    ) as Cells;
    const sum = mergeCells([hostile, hostile]);
    expect(Object.entries(sum.types)).toEqual([["__proto__", 4]]);
    expect(Object.keys(sum.dimensions)).toEqual(["__proto__"]);
    expect(({} as Record<string, unknown>)["2"]).toBeUndefined();
    for (const one of [sum.types, sum.users, sum.dimensions]) {
      expect(Object.getPrototypeOf(one)).toBeNull();
    }
  });

  test("unites users by type", () => {
    const part = (type: string, ...users: string[]): Cells => ({
      ...emptyCells(),
      users: { [type]: sketchOf(users) },
    });
    const sum = mergeCells([part("t", "a", "b"), part("u", "c"), part("t", "b", "c")]);
    expect(sum.users["t"]).toBe(sketchOf(["a", "b", "c"]));
    expect(sum.users["u"]).toBe(sketchOf(["c"]));
  });

  test("what was counted before a dimension was configured is other", () => {
    const before: Cells = { ...emptyCells(), types: { t: 3 } };
    const sum = mergeCells([before, valuesOf([["t", "a", 2]])]);
    expect(canonical(sectionOf(sum, "d"))).toEqual(canonical({ t: { a: 2, [OTHER]: 3 } }));
    expect(canonical(sectionOf(before, "d"))).toEqual(canonical({ t: { [OTHER]: 3 } }));
    expectConserved(sum);
  });
});

describe("cutCells", () => {
  const many = (from: number, to: number, count: (i: number) => number) =>
    Array.from({ length: to - from }, (_, i) => [`t${i % 3}`, `v${from + i}`, count(i)] as const);

  test("leaves what is within the limit alone", () => {
    const within = valuesOf([...many(0, maxDimensionValues, () => 1), ["t0", NONE, 5]]);
    expect(canonical(cutCells(within))).toEqual(canonical(within));
    expect(isCut(within.dimensions["d"]!)).toBe(false);
  });

  test("keeps the largest over all types and none, sums the rest by type, conserves", () => {
    const counts = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1_001, maxLength: 1_200 });
    fc.assert(
      fc.property(counts, (sizes) => {
        const whole = valuesOf([
          ...many(0, sizes.length, (i) => sizes[i]!),
          ["t9", NONE, 1],
          ["t9", "v0", 100],
        ]);
        const result = cutCells(whole);
        expectConserved(result);
        const values = kept(result.dimensions["d"]);
        expect(values.size).toBe(maxDimensionValues);
        const ranked = sizes
          .map((size, i) => [`v${i}`, i === 0 ? size + 100 : size] as const)
          .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
        expect(values).toEqual(
          new Set(ranked.slice(0, maxDimensionValues).map(([value]) => value)),
        );
        expect(result.dimensions["d"]?.["t9"]?.[NONE]).toBe(1);
        expect(isCut(result.dimensions["d"]!)).toBe(true);
        expect(isCut(result.dimensions["d"]!, ["t9", "absent"])).toBe(false);
        expect(canonical(cutCells(result))).toEqual(canonical(result));
      }),
      { numRuns: 20 },
    );
  });

  test("cuts what was cut before: other grows, is no value, and stays a sign of the cut", () => {
    const child = cutCells(valuesOf(many(0, 1_100, () => 1)));
    const late = cutCells(valuesOf(many(5_000, 6_050, () => 7)));
    const parent = cutCells(mergeCells([child, late]));
    expectConserved(parent);
    expect(isCut(parent.dimensions["d"]!)).toBe(true);
    const values = kept(parent.dimensions["d"]);
    expect(values.size).toBe(maxDimensionValues);
    expect([...values].every((value) => value.startsWith("v5") || value.startsWith("v6"))).toBe(
      true,
    );

    const small = valuesOf([
      ["t", OTHER, 4],
      ["t", "a", 1],
    ]);
    expect(isCut(cutCells(small).dimensions["d"]!)).toBe(true);
  });

  test("keeps the types with the most events, sums users and values of the others under one", () => {
    const sizes = Array.from({ length: maxTypes + 30 }, (_, i) => 1 + (i % 7));
    const whole = valuesOf(sizes.map((size, i) => [`t${i}`, `v${i % 2}`, size]));
    const users = Object.fromEntries(sizes.map((_, i) => [`t${i}`, sketchOf([`u${i % 50}`])]));
    const result = cutCells({ ...whole, users });
    expectConserved(result);
    const ranked = sizes
      .map((size, i) => [`t${i}`, size] as const)
      .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
    const dropped = ranked.slice(maxTypes).map(([type]) => type);
    const told = [...ranked.slice(0, maxTypes).map(([type]) => type), OTHER];
    for (const section of [result.types, result.users, result.dimensions["d"]!]) {
      expect(new Set(Object.keys(section))).toEqual(new Set(told));
    }
    expect(result.users[OTHER]).toBe(mergeAll(dropped.map((type) => users[type]!)));
    for (const section of ["types", "users", "d"]) {
      expect(isCutSection(section, sectionOf(result, section))).toBe(true);
      expect(isCutSection(section, sectionOf(whole, section))).toBe(false);
    }
    // A cut part counts on: its rest is no type.
    const more = cutCells(mergeCells([result, valuesOf([["t0", "v0", 100]])]));
    expect(Object.keys(more.types)).toHaveLength(maxTypes + 1);
    expectConserved(more);
  });

  test("values that were once shortened are told from whole ones", () => {
    expect(isCut({ t: { [`x`.repeat(maxKeyLength)]: 1 } })).toBe(false);
    for (const length of [255, 256]) expect(isCut({ t: { [`x`.repeat(length)]: 1 } })).toBe(true);
  });
});
