import type { CallingOptions, Context, Service, ServiceSchema } from "moleculer";
import { callLimits } from "./call-limits.ts";
import type { Actions, Meta } from "./contracts.ts";

/** What Moleculer's own types leave out: which mixins give what to `this`, and what an action takes and returns. */

type Methods = Record<string, (...args: never[]) => unknown>;
type Empty = Record<never, never>;
type ActionName = keyof Actions;
/** The verbs of one service: `collect` for `ingest.collect`. */
type Verb<Name extends string> = ActionName extends infer A
  ? A extends `${Name}.${infer V}`
    ? V
    : never
  : never;

declare const provided: unique symbol;

/** A stock mixin that remembers what it gives to `this`. */
export type Mixin<Provided> = Partial<ServiceSchema> & { readonly [provided]?: Provided };
type ProvidedBy<Mixins extends readonly unknown[]> = Mixins extends readonly [
  Mixin<infer First>,
  ...infer Rest,
]
  ? First & ProvidedBy<Rest>
  : Empty;

export type TypedContext<Params> = Omit<Context<Params, Meta>, "call"> & {
  /** Call an action of the contracts; its parameters and its result are typed. */
  call<A extends ActionName>(
    action: A,
    params: Actions[A]["params"],
    options?: CallingOptions,
  ): Promise<Actions[A]["result"]>;
};

type Handler<A extends ActionName> = (
  ctx: TypedContext<Actions[A]["params"]>,
) => Promise<Actions[A]["result"]> | Actions[A]["result"];

type ActionDefinition<A extends ActionName> = Omit<
  Extract<NonNullable<ServiceSchema["actions"]>[string], { handler?: unknown }>,
  "handler"
> & {
  /** It stands in `callLimits`. */
  timeout?: never;
  handler: Handler<A>;
};

interface Definition<Name extends string> extends Omit<
  Partial<ServiceSchema>,
  | "name"
  | "mixins"
  | "methods"
  | "actions"
  | "events"
  | "settings"
  | "created"
  | "started"
  | "stopped"
> {
  settings?: Readonly<Record<string, unknown>>;
  /** Every verb the contract lists, and no other. */
  actions: { [V in Verb<Name>]: ActionDefinition<Extract<`${Name}.${V}`, ActionName>> };
  /** Moleculer events by name; what they carry has not been checked. */
  events?: Readonly<Record<string, (ctx: Context<unknown, Meta>) => Promise<void> | void>>;
  created?(): void;
  started?(): Promise<void> | void;
  stopped?(): Promise<void> | void;
}

/** Declare a mixin: its state as a type argument, its methods inferred. */
export function defineMixin<State = Empty>() {
  return <Own extends Methods = Empty>(
    schema: Omit<Partial<ServiceSchema>, "methods" | "created" | "started" | "stopped"> & {
      methods?: Own;
      created?(): void;
      started?(): Promise<void> | void;
      stopped?(): Promise<void> | void;
    } & ThisType<Service & State & Own>,
  ): Mixin<State & Own> => schema as Mixin<State & Own>;
}

/**
 * Declare a service: the compiler demands a handler for each action of the contract and knows what
 * the mixins give. Mixins start in the order named and stop in the reverse one (Moleculer does it the
 * other way round). How long calls wait stands in `callLimits`. What a handler does beyond a few lines lives in a mixin.
 */
export function defineService<Name extends string, const Mixins extends readonly Mixin<unknown>[]>(
  name: Name,
  ...mixins: Mixins
) {
  return (
    definition: Definition<Name> & ThisType<Service & ProvidedBy<Mixins>>,
  ): ServiceSchema => ({
    ...definition,
    name,
    mixins: mixins.toReversed(),
    actions: withTimeouts(name, definition.actions),
  });
}

function withTimeouts(service: string, actions: object): ServiceSchema["actions"] {
  const limited = Object.entries(actions as NonNullable<ServiceSchema["actions"]>).map(
    ([verb, action]) => {
      const { timeoutMs } = callLimits[`${service}.${verb}` as ActionName];
      return [verb, { ...(action as object), timeout: timeoutMs }] as const;
    },
  );
  return Object.fromEntries(limited) as ServiceSchema["actions"];
}
