import { explore, type Model } from "./checker.ts";
import { documented } from "./documented.ts";

/** A model of a protocol: the worlds in which it holds, and mistakes, each of which breaks it. */
interface Modelled<World, Rules extends object, State> {
  readonly protocol: (world: World, rules: Rules) => Model<State>;
  readonly rules: Rules;
  readonly worlds: Readonly<Record<string, World>>;
  readonly mistakes: Readonly<
    Record<
      string,
      { readonly world: World; readonly wrong: Partial<Rules>; readonly breaks: string }
    >
  >;
}

const timeoutMs = 180_000;

/**
 * Registers the tests of a model: the protocol holds in every world, every mistake is found by its
 * shortest run, every rule has a mistake; and docs/protocol.md has the numbers that are found.
 * @param holds what every world shows
 */
export function modelTests<World, Rules extends object, State>(
  subject: string,
  holds: string,
  { protocol, rules, worlds, mistakes }: Modelled<World, Rules, State>,
): void {
  describe(subject, () => {
    test.each(Object.entries(worlds))(
      `${holds}: %s`,
      (name, world) => {
        const { violation, states } = explore(protocol(world, rules));
        expect(violation).toBeUndefined();
        expect(documented(name)).toContain(states.toLocaleString("en"));
      },
      timeoutMs,
    );

    test.each(Object.entries(mistakes))(
      "a wrong rule is found: %s",
      (name, { world, wrong, breaks }) => {
        const { violation } = explore(protocol(world, { ...rules, ...wrong }));
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
}
