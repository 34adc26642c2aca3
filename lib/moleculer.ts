import type { CallingOptions, Context, Service, ServiceBroker, ServiceSchema } from "moleculer";
import { actionParams } from "./action-params.ts";
import { callLimits } from "./call-limits.ts";
import type { Actions, Facts, Meta } from "./contracts.ts";
import type { MetricRegistry } from "./metrics.ts";
import { metricsOf } from "./metric-registry.ts";
import { tracingOf, type Tracing } from "./tracing/tracing.ts";
import { checkCall } from "./project.ts";

/**
 * What Moleculer's own types leave out: which mixins give what to `this`, and what an action takes
 * and returns.
 */

/** Functions. A signature here would be the one that generic methods are inferred for. */
type Methods = Record<string, object>;
type Empty = Record<never, never>;
type ActionName = keyof Actions;
/** The verbs of one service: `collect` for `ingest.collect`. */
type Verb<Name extends string> = ActionName extends infer A
  ? A extends `${Name}.${infer V}`
    ? V
    : never
  : never;

declare const provided: unique symbol;
declare const needed: unique symbol;

/** A stock mixin that remembers what it gives to `this`, and what it needs others to give. */
export type Mixin<Provided = unknown, Needs = unknown> = Partial<ServiceSchema> & {
  readonly [provided]?: Provided;
  readonly [needed]?: Needs;
};
type Mixins = readonly Mixin[];
type ProvidedBy<All extends Mixins> = All extends readonly [
  Mixin<infer First>,
  ...infer Rest extends Mixins,
]
  ? First & ProvidedBy<Rest>
  : Empty;
type NeededBy<All extends Mixins> = All extends readonly [
  Mixin<unknown, infer First>,
  ...infer Rest extends Mixins,
]
  ? First & NeededBy<Rest>
  : unknown;

/** Demands a property that nobody writes, named after what no mixin gives. */
type Met<Needs, Provided> = Provided extends Needs
  ? unknown
  : { readonly noMixinGives: Exclude<keyof Needs, keyof Provided> };

export type TypedContext<Params> = Omit<Context<Params, Meta>, "call"> & {
  /** Call an action of the contracts; its parameters and its result are typed. */
  call<A extends ActionName>(
    action: A,
    params: Actions[A]["params"],
    options?: CallingOptions,
  ): Promise<Actions[A]["result"]>;
};

/**
 * The broker, with the facts that there are. What takes `never` makes it one of Moleculer's for the
 * compiler.
 */
interface Broker extends Omit<ServiceBroker, "emit" | "broadcast"> {
  emit<Name extends keyof Facts>(name: Name, fact: Facts[Name]): Promise<void>;
  emit(name: never): Promise<void>;
  broadcast<Name extends keyof Facts>(
    name: Name,
    fact: Facts[Name],
    services: readonly string[],
  ): Promise<void>;
  broadcast(name: never): Promise<void>;
}
type This = Omit<Service, "broker"> & {
  readonly broker: Broker;
  /** Those of the table (`lib/metrics.ts`). */
  readonly metrics: MetricRegistry;
  readonly tracing: Tracing;
};

/**
 * Facts of our own, those of Moleculer, and what other nodes send. What they carry has not been
 * checked.
 */
type Listener = (ctx: Context<unknown, Meta>) => Promise<void> | void;
interface Events
  extends
    Partial<Record<keyof Facts | "analytics.track", Listener>>,
    Record<`$${string}`, Listener> {}

type Handler<A extends ActionName> = (
  ctx: TypedContext<Actions[A]["params"]>,
) => Promise<Actions[A]["result"]> | Actions[A]["result"];

type ActionDefinition<A extends ActionName> = Omit<
  Extract<NonNullable<ServiceSchema["actions"]>[string], { handler?: unknown }>,
  "handler"
> & {
  /** The time limit stands in `callLimits`. */
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
  events?: Events;
  created?(): void;
  started?(): Promise<void> | void;
  stopped?(): Promise<void> | void;
}

/** What a mixin declares. */
interface Parts {
  /** What the mixin uses of `this` that other mixins of the service give. */
  readonly needs?: unknown;
  /**
   * The properties that it gives to `this` besides its methods; assigned in `created` or `started`.
   */
  readonly state?: unknown;
}
type PartOf<P extends Parts, Name extends keyof Parts> =
  P extends Readonly<Record<Name, infer T>> ? T : Empty;

/**
 * Declare a mixin: its needs and its state as a type argument, its methods inferred. It gives its
 * state, its methods and what the mixins within it give. What it needs, and what those within it
 * need, the service has to have from some mixin.
 */
export function defineMixin<P extends Parts = Empty>() {
  return <Own extends Methods = Empty, const Within extends Mixins = []>(
    schema: Omit<
      Partial<ServiceSchema>,
      "mixins" | "methods" | "events" | "created" | "started" | "stopped"
    > & {
      mixins?: Within;
      methods?: Own;
      events?: Events;
      created?(): void;
      started?(): Promise<void> | void;
      stopped?(): Promise<void> | void;
    } & ThisType<This & PartOf<P, "needs"> & PartOf<P, "state"> & Own & ProvidedBy<Within>>,
  ): Mixin<PartOf<P, "state"> & Own & ProvidedBy<Within>, PartOf<P, "needs"> & NeededBy<Within>> =>
    schema as object;
}

/**
 * Declare a service: the compiler demands a handler for each action of the contract, knows what the
 * mixins give and demands that each gets what it needs. Mixins start in the order named and stop in
 * the reverse one (Moleculer does it the other way round). What actions take stands in
 * `actionParams`, how long calls wait in `callLimits`; whose an action is, is checked before each
 * of them. What a handler does beyond a few lines lives in a mixin.
 */
export function defineService<Name extends string, const All extends Mixins>(
  name: Name,
  ...mixins: All
) {
  return (
    definition: Definition<Name> &
      ThisType<This & ProvidedBy<All>> &
      Met<NeededBy<All>, ProvidedBy<All>>,
  ): ServiceSchema => ({
    ...(definition as Omit<Definition<Name>, "events"> & Pick<ServiceSchema, "events">),
    name,
    mixins: [...mixins.toReversed(), instruments],
    actions: completed(name, definition.actions),
    hooks: { before: { "*": checkCall } },
  });
}

/** What every service has before its own mixins are created. */
const instruments: Partial<ServiceSchema> = {
  created() {
    this.metrics = metricsOf(this.broker);
    this.tracing = tracingOf(this.broker);
  },
};

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
