import type { CallingOptions, Context, Service, ServiceSchema } from "moleculer";
import { actionParams } from "./action-params.ts";
import { callLimits } from "./call-limits.ts";
import type { Actions, Meta } from "./contracts.ts";
import { checkCall } from "./project.ts";

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
 * other way round). What actions take stands in `actionParams`, how long calls wait in `callLimits`; whose an action is, is
 * checked before each of them. What a handler does beyond a few lines lives in a mixin.
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
    actions: completed(name, definition.actions),
    hooks: { before: { "*": checkCall } },
  });
}

/** Actions with what the tables say of them. */
function completed(service: string, actions: object): ServiceSchema["actions"] {
  const complete = Object.entries(actions).map(([verb, action]) => {
    const name = `${service}.${verb}` as ActionName;
    const { timeoutMs } = callLimits[name];
    return [
      verb,
      { ...(action as object), params: actionParams[name], timeout: timeoutMs },
    ] as const;
  });
  return Object.fromEntries(complete) as ServiceSchema["actions"];
}
