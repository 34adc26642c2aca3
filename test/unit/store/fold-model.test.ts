import { explore, type Outcome } from "../../model/checker.ts";
import { documented } from "../../model/documented.ts";
import { mistakes, worlds } from "../../model/condensing/cases.ts";
import { folding } from "../../model/condensing/protocol.ts";
import { rules } from "../../model/condensing/rules.ts";
import type { World } from "../../model/condensing/world.ts";

const timeoutMs = 180_000;

/** What is found in a world with the right rules: looked for once. */
const found = new Map<string, Outcome>();
function foundIn(world: World): Outcome {
  const key = JSON.stringify(Object.entries(world).sort());
  const outcome = found.get(key) ?? explore(folding(world, rules));
  found.set(key, outcome);
  return outcome;
}

describe("condensing a minute", () => {
  test.each(Object.entries(worlds))(
    "loses nothing and counts nothing twice: %s",
    (name, world) => {
      const { violation, states } = foundIn(world);
      expect(violation).toBeUndefined();
      expect(documented(name)).toContain(states.toLocaleString("en"));
    },
    timeoutMs,
  );
});

describe("a wrong rule of condensing is found", () => {
  test.each(Object.entries(mistakes))(
    "%s",
    (name, { world, wrong, breaks }) => {
      const { violation } = explore(folding(world, { ...rules, ...wrong }));
      expect(violation?.property).toBe(breaks);
      expect(documented(name)).toContain(String(violation?.trace.length));
      expect(foundIn(world).violation).toBeUndefined();
    },
    timeoutMs,
  );

  test("every rule has one", () => {
    const broken = Object.values(mistakes).flatMap(({ wrong }) => Object.keys(wrong));
    expect(new Set(broken)).toEqual(new Set(Object.keys(rules)));
  });
});
