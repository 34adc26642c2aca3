import { explore } from "../../model/checker.ts";
import { documented } from "../../model/documented.ts";
import { mistakes, worlds } from "../../model/compaction/cases.ts";
import { compaction } from "../../model/compaction/protocol.ts";
import { rules } from "../../model/compaction/rules.ts";

const timeoutMs = 180_000;

describe("removing the deltas of old batches", () => {
  test.each(Object.entries(worlds))(
    "loses nothing and counts nothing twice: %s",
    (name, world) => {
      const { violation, states } = explore(compaction(world, rules));
      expect(violation).toBeUndefined();
      expect(documented(name)).toContain(states.toLocaleString("en"));
    },
    timeoutMs,
  );

  test.each(Object.entries(mistakes))(
    "a wrong rule is found: %s",
    (name, { world, wrong, breaks }) => {
      const { violation } = explore(compaction(world, { ...rules, ...wrong }));
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
