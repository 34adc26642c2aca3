import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import type { Context, ServiceBroker } from "moleculer";
import ApiGateway from "moleculer-web";
import { readTimeoutMs, requestMs } from "../../lib/call-limits.ts";
import type { Config } from "../../lib/config.ts";
import type { Meta } from "../../lib/contracts.ts";
import { defineMixin, limitCalls } from "../../lib/moleculer.ts";
import type { Edge, Route } from "./edge.ts";

interface Alias {
  /** The action that the alias calls; `null` where a handler answers. */
  readonly action: string | null;
}

/** What moleculer-web has added to a request by then. */
interface Matched extends IncomingMessage {
  readonly $ctx: Context<unknown, Meta>;
  readonly $route: Route;
}

type AliasHandler = (request: Matched, response: ServerResponse, alias: Alias) => Promise<unknown>;

const waitMs = 5_000;
const lookEveryMs = 50;
const { aliasHandler } = (ApiGateway as unknown as { methods: { aliasHandler: AliasHandler } })
  .methods;

/**
 * How the calls of each request that moleculer-web routes are made. First its caller is checked, so
 * that nobody waits who may not ask. Together the calls have a time limit: `readTimeoutMs` for
 * reads, `requestMs` for all others. Each first waits, within that time, for a node that offers the
 * action (`untilOffered`): in a cluster the last one may have just died, and its successor be
 * starting; in one process the service may be starting itself.
 */
export function RoutedCallsMixin({ queryTimeoutMs }: Config) {
  const readMs = readTimeoutMs(queryTimeoutMs);

  return defineMixin<{ needs: Pick<Edge, "checkCaller"> }>()({
    methods: {
      async aliasHandler(...args: Parameters<AliasHandler>): Promise<unknown> {
        const [request, response, { action }] = args;
        const { $ctx, $route } = request;
        this.checkCaller($ctx, $route, request, response);
        limitCalls($ctx, $route.opts.scope === "events:read" ? readMs : requestMs);
        if (action !== null) await untilOffered(this.broker, action);
        else awaitOffers($ctx, this.broker);
        return aliasHandler.apply(this, args);
      },
    },
  });
}

/** Lets each call of a context wait for a node that offers its action. */
function awaitOffers(context: Pick<Context, "call">, broker: ServiceBroker): void {
  const call = context.call.bind(context) as (action: string, ...rest: unknown[]) => unknown;
  context.call = async (action: string, ...rest: unknown[]) => {
    await untilOffered(broker, action);
    return call(action, ...rest);
  };
}

interface Running {
  readonly transit?: object;
  readonly started: boolean;
  readonly stopping: boolean;
}

/** Resolves once some node offers an action, or after some seconds. */
async function untilOffered(broker: ServiceBroker, action: string): Promise<void> {
  const state = broker as unknown as Running;
  const mayCome = () => !state.stopping && (state.transit !== undefined || !state.started);
  const until = performance.now() + waitMs;
  const { actions } = broker.registry;
  while (!actions.isAvailable(action) && mayCome() && performance.now() < until) {
    await delay(lookEveryMs);
  }
}
