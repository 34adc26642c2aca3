import { explore } from "../../model/checker.ts";
import { documented } from "../../model/documented.ts";
import { mistakes, worlds } from "../../model/sealing/cases.ts";
import { sealing } from "../../model/sealing/protocol.ts";
import { rules } from "../../model/sealing/rules.ts";

const timeoutMs = 180_000;

describe("segments of columns", () => {
  test.each(Object.entries(worlds))(
    "hold each event once, and so do answers: %s",
    (name, world) => {
      const { violation, states } = explore(sealing(world, rules));
      expect(violation).toBeUndefined();
      expect(documented(name)).toContain(states.toLocaleString("en"));
    },
    timeoutMs,
  );

  test.each(Object.entries(mistakes))(
    "a wrong rule is found: %s",
    (name, { world, wrong, breaks }) => {
      const { violation } = explore(sealing(world, { ...rules, ...wrong }));
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
