import type { CallingOptions, Context, Service, ServiceBroker, ServiceSchema } from "moleculer";
import { actionParams } from "./action-params.ts";
import { callLimits } from "./call-limits.ts";
import type { Actions, Facts, Meta } from "./contracts.ts";
import type { MetricRegistry } from "./metrics.ts";
import { metricsOf } from "./metric-registry.ts";
import { tracingOf, type Tracing } from "./tracing/tracing.ts";
import type { ProjectId } from "./event/event.ts";
import { ServiceError } from "./errors.ts";

/**
 * Adds to Moleculer's own types: which mixins give what to `this`, and what an action takes and
 * returns.
 */

/** Functions. With a signature here generic methods would be inferred for it. */
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

/** Demands a property that nobody writes; its name lists what no mixin gives. */
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
 * The broker, with our facts. The signature that takes `never` makes it compatible with Moleculer's
 * type.
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
  /** The metrics of the table (`lib/metrics.ts`). */
  readonly metrics: MetricRegistry;
  readonly tracing: Tracing;
};

/**
 * Handles facts of ours, events of Moleculer, and whatever other nodes send: the content is
 * unchecked.
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
  /** The time limit comes from `callLimits`. */
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
  /** Exactly the verbs that the contract lists. */
  actions: { [V in Verb<Name>]: ActionDefinition<Extract<`${Name}.${V}`, ActionName>> };
  events?: Events;
  created?(): void;
  started?(): Promise<void> | void;
  stopped?(): Promise<void> | void;
}

/** The declarations of a mixin. */
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
 * Declares a mixin: its needs and its state as a type argument, its methods inferred. It gives
 * `this` its state, its methods and what its own mixins give. The service must get what it needs,
 * and what its own mixins need, from some mixin.
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
 * Declares a service. The compiler demands a handler for each action of the contract, knows what
 * the mixins give and demands that each gets what it needs. Mixins start in the order named and
 * stop in the reverse order (Moleculer does it the other way round). `actionParams` says what
 * actions take, `callLimits` how long calls wait; the project of a call is checked before each
 * action. A handler of more than a few lines lives in a mixin.
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

/** Gives every service its metrics and traces before its own mixins are created. */
const instruments: Partial<ServiceSchema> = {
  created() {
    this.metrics = metricsOf(this.broker);
    this.tracing = tracingOf(this.broker);
  },
};

/** Completes actions with what the tables say about them. */
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

const projectName = /^[A-Za-z0-9._-]{1,64}$/;

/** Whether a text may be a project's name: one that a key can have. */
function isProjectName(name: unknown): name is ProjectId {
  return typeof name === "string" && projectName.test(name);
}

interface Call {
  params?: unknown;
  readonly meta: { readonly project?: unknown };
}

/**
 * Checks a call before every action. Missing parameters count as none, also as `null`. Other nodes
 * name the project themselves, perhaps wrongly; absent or `null` means the default one.
 * @throws ServiceError VALIDATION
 */
export function checkCall(call: Call): void {
  call.params ??= {};
  const { project } = call.meta;
  if (project === undefined || project === null || isProjectName(project)) return;
  const message = "meta.project must be 1 to 64 of A-Z, a-z, 0-9, dot, underscore and hyphen";
  throw new ServiceError("VALIDATION", message, {
    errors: [{ pointer: "meta.project", code: "project", message }],
  });
}

/** The parts of a context by which Moleculer reckons the time left for its calls. */
type Timed = Pick<Context, "options" | "startHrTime">;

/**
 * Gives all calls that are made from a context, one after the other, one time limit together; the
 * time begins now. Each call gets what is left of it and hands that on to the calls that it makes
 * itself. At the limit the caller is answered, whatever hangs.
 */
export function limitCalls(context: Timed, ms: number): void {
  context.options.timeout = ms;
  context.startHrTime = process.hrtime();
}

/** Gives a limited context more time, for example that in which a client sent its body. */
export function extendLimit(context: Timed, ms: number): void {
  context.options.timeout = context.options.timeout! + ms;
}
