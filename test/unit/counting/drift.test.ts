import { differences, lacksDimensions } from "../../../lib/counting/drift.ts";
import { emptyCells, OTHER, type Cells } from "../../../lib/counting/cells.ts";
import { sketchOf } from "../../../lib/counting/sketch.ts";

const cells = (more: Partial<Cells>): Cells => ({ ...emptyCells(), ...more });
const sources = (a: number) => ({ opened: { web: a } });

test("tells each number that differs, of types, users and dimensions", () => {
  const rollup = cells({
    types: { opened: 2, constructor: 1 },
    users: { opened: sketchOf(["u"]) },
    dimensions: { source: sources(2) },
  });
  const counted = cells({
    types: { opened: 3, sent: 1 },
    users: { opened: sketchOf(["u", "v"]) },
    dimensions: { source: { ...sources(3), sent: { web: 1 } } },
  });
  expect(differences(rollup, rollup)).toEqual([]);
  expect(differences(rollup, counted)).toEqual([
    { section: "types", type: "constructor", rollup: 1, counted: 0 },
    { section: "types", type: "opened", rollup: 2, counted: 3 },
    { section: "types", type: "sent", rollup: 0, counted: 1 },
    { section: "users", type: "opened", rollup: 1, counted: 2 },
    { section: "source", type: "opened", value: "web", rollup: 2, counted: 3 },
    { section: "source", type: "sent", value: "web", rollup: 0, counted: 1 },
  ]);
});

test.each<[string, Cells["dimensions"]]>([
  ["not configured then", {}],
  ["configured in between", { plan: { opened: { [OTHER]: 1, pro: 1 } } }],
])("a dimension that was %s is lacking, not wrong", (_, dimensions) => {
  const types = { opened: 2 };
  const rollup = cells({ types, dimensions });
  const counted = cells({ types, dimensions: { plan: { opened: { pro: 2 } } } });
  expect(differences(rollup, counted)).toEqual([]);
  expect(lacksDimensions(rollup, counted)).toBe(true);
  expect(lacksDimensions(counted, counted)).toBe(false);
  expect(lacksDimensions(rollup, cells({ types, dimensions: { plan: {} } }))).toBe(false);
});
