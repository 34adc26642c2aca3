import { defineMixin, defineService, type TypedContext } from "../../lib/moleculer.ts";

/** Each line below an expected error is one that the compiler must refuse. Compiled by services.test.ts. */

const GreeterMixin = () =>
  defineMixin<{ greetings: number }>()({
    methods: {
      greet(name: string): string {
        this.greetings += 1;
        // @ts-expect-error a mixin knows its own state only
        this.farewells += 1;
        return `hello ${name}`;
      },
    },
  });

const health = { handler: () => ({ state: "ok" as const }) };

export const complete = defineService(
  "ingest",
  GreeterMixin(),
)({
  actions: {
    health,
    collect: {
      handler(ctx) {
        const greeting: string = this.greet("you");
        const { events } = ctx.params;
        // @ts-expect-error the contract has no such parameter
        void ctx.params.event;
        // @ts-expect-error what a mixin gives has its type
        const wrong: number = this.greet("you");
        return { batch: greeting, accepted: events.length + wrong, rejected: 0, results: [] };
      },
    },
  },
});

export const lacking = defineService("ingest")({
  // @ts-expect-error the contract lists collect too
  actions: { health },
});

export const tooMany = defineService("ingest")({
  actions: {
    health,
    collect: { handler: () => ({ batch: null, accepted: 0, rejected: 0, results: [] }) },
    // @ts-expect-error the contract lists no such verb
    forget: { handler: () => undefined },
  },
});

export async function calls(ctx: TypedContext<unknown>): Promise<void> {
  const receipt = await ctx.call("ingest.collect", { events: [] });
  const accepted: number = receipt.accepted;
  // @ts-expect-error there is no such action
  await ctx.call("ingest.forget", {});
  // @ts-expect-error its parameter is called events
  await ctx.call("ingest.collect", { items: [accepted] });
}
