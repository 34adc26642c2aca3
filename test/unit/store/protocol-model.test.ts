import { mistakes, notPromised, worlds } from "../../model/cases.ts";
import { explore, stuck, type Model } from "../../model/checker.ts";
import { documented } from "../../model/documented.ts";
import { protocol } from "../../model/protocol.ts";
import { low } from "../../model/reader.ts";
import { rules } from "../../model/rules.ts";

const timeoutMs = 180_000;

describe("the counting protocol", () => {
  test.each(Object.entries(worlds))(
    "holds: %s",
    (name, world) => {
      const { violation, states } = explore(protocol(world, rules));
      expect(violation).toBeUndefined();
      expect(documented(name)).toContain(states.toLocaleString("en"));
    },
    timeoutMs,
  );
});

describe("a wrong rule is found", () => {
  test.each(Object.entries(mistakes))("%s", (name, { world, wrong, breaks }) => {
    const { violation } = explore(protocol(world, { ...rules, ...wrong }));
    expect(violation?.property).toBe(breaks);
    expect(documented(name)).toContain(String(violation?.trace.length));
    expect(explore(protocol(world, rules)).violation).toBeUndefined();
  });

  test("every rule has one", () => {
    const broken = Object.values(mistakes).flatMap(({ wrong }) => Object.keys(wrong));
    expect(new Set(broken)).toEqual(new Set(Object.keys(rules)));
  });
});

describe("a reader", () => {
  test("is promised an event once its owner is acknowledged, not by any other batch that holds it", () => {
    const { violation } = explore(protocol(notPromised, rules));
    expect(violation?.property).toBe(low);
    const owners = { ...notPromised, reader: "owner acknowledged" } as const;
    expect(explore(protocol(owners, rules)).violation).toBeUndefined();
  });
});

describe("the checker", () => {
  /** States are numbers; `arrows` says which follow which. */
  const graph = (arrows: readonly (readonly number[])[], end: number, bad?: number) =>
    ({
      initial: 0,
      steps(state, emit) {
        for (const next of arrows[state] ?? []) emit(`to ${next}`, next);
      },
      key: String,
      broken: (state) => (state === bad ? "bad" : undefined),
      quiet: (state) => state === end,
    }) satisfies Model<number>;

  test("finds the shortest way to a violation", () => {
    const { violation } = explore(graph([[1, 3], [2], [4], [4]], 4, 4));
    expect(violation).toEqual({ property: "bad", trace: ["to 3", "to 4"] });
  });

  test("finds a circle that leads nowhere", () => {
    const { violation } = explore(graph([[1, 3], [2], [1]], 3));
    expect(violation).toEqual({ property: stuck, trace: ["to 1"] });
  });

  test("leaves a circle alone that has a way out", () => {
    expect(explore(graph([[1], [2], [0, 3]], 3))).toMatchObject({ states: 4, transitions: 4 });
  });

  test("finds a step that breaks something on its way to a known state", () => {
    const model = {
      ...graph([[0]], 0),
      steps: (state: number, emit: (label: string, next: number, broken?: string) => void) =>
        emit("in place", state, "bad"),
    };
    expect(explore(model).violation).toEqual({ property: "bad", trace: ["in place"] });
  });

  test("gives up on a model that grows without end", () => {
    const endless = {
      ...graph([], -1),
      steps: (state: number, emit: (label: string, next: number) => void) => emit("on", state + 1),
    };
    expect(() => explore(endless, 1_000)).toThrow(RangeError);
  });
});
