import { explore } from "../../model/checker.ts";
import { documented } from "../../model/documented.ts";
import { mistakes, worlds } from "../../model/erasure/cases.ts";
import { erasure } from "../../model/erasure/protocol.ts";
import { rules } from "../../model/erasure/rules.ts";

const timeoutMs = 180_000;

describe("erasing an event", () => {
  test.each(Object.entries(worlds))(
    "leaves it nowhere, and all others counted once: %s",
    (name, world) => {
      const { violation, states } = explore(erasure(world, rules));
      expect(violation).toBeUndefined();
      expect(documented(name)).toContain(states.toLocaleString("en"));
    },
    timeoutMs,
  );
});

describe("a wrong rule of erasing is found", () => {
  test.each(Object.entries(mistakes))(
    "%s",
    (name, { world, wrong, breaks }) => {
      const { violation } = explore(erasure(world, { ...rules, ...wrong }));
      expect(violation?.property).toBe(breaks);
      expect(documented(name)).toContain(String(violation?.trace.length));
    },
    timeoutMs,
  );

  test("every rule has one", () => {
    const broken = Object.values(mistakes).flatMap(({ wrong }) => Object.keys(wrong));
    expect(new Set(broken)).toEqual(new Set(Object.keys(rules)));
  });
});
