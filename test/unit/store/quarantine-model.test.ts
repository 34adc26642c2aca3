import { explore } from "../../model/checker.ts";
import { documented } from "../../model/documented.ts";
import { mistakes, worlds } from "../../model/quarantine/cases.ts";
import { quarantine } from "../../model/quarantine/protocol.ts";
import { rules } from "../../model/quarantine/rules.ts";

const timeoutMs = 180_000;

describe("an event in quarantine", () => {
  test.each(Object.entries(worlds))(
    "comes out as it was mended, once, or is gone: %s",
    (name, world) => {
      const { violation, states } = explore(quarantine(world, rules));
      expect(violation).toBeUndefined();
      expect(documented(name)).toContain(states.toLocaleString("en"));
    },
    timeoutMs,
  );

  test.each(Object.entries(mistakes))(
    "a wrong rule is found: %s",
    (name, { world, wrong, breaks }) => {
      const { violation } = explore(quarantine(world, { ...rules, ...wrong }));
      expect(violation?.property).toBe(breaks);
      expect(documented(name)).toContain(String(violation?.trace.length));
    },
    timeoutMs,
  );

  test("every rule has a mistake", () => {
    const broken = Object.values(mistakes).flatMap(({ wrong }) => Object.keys(wrong));
    expect(new Set(broken)).toEqual(new Set(Object.keys(rules)));
  });
});
