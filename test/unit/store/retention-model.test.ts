import { explore } from "../../model/checker.ts";
import { documented } from "../../model/documented.ts";
import { mistakes, worlds } from "../../model/retention/cases.ts";
import { retention } from "../../model/retention/protocol.ts";
import { rules } from "../../model/retention/rules.ts";

const timeoutMs = 180_000;

describe("a floor below which all is dropped but the hour", () => {
  test.each(Object.entries(worlds))(
    "loses nothing that was counted: %s",
    (name, world) => {
      const { violation, states } = explore(retention(world, rules));
      expect(violation).toBeUndefined();
      expect(documented(name)).toContain(states.toLocaleString("en"));
    },
    timeoutMs,
  );

  test.each(Object.entries(mistakes))(
    "a wrong rule is found: %s",
    (name, { world, wrong, breaks }) => {
      const { violation } = explore(retention(world, { ...rules, ...wrong }));
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
