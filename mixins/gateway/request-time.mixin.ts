import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import type { Context, ServiceBroker } from "moleculer";
import ApiGateway from "moleculer-web";
import { readTimeoutMs, requestMs } from "../../lib/call-limits.ts";
import type { Config } from "../../lib/config.ts";
import { defineMixin } from "../../lib/moleculer.ts";
import { limitCalls } from "../../lib/runtime/call-time.ts";
import type { Route } from "./edge.ts";

interface Alias {
  /** The action that the alias calls; `null` where a handler answers. */
  readonly action: string | null;
}

/** What moleculer-web has added to a request by then. */
interface Matched extends IncomingMessage {
  readonly $ctx: Context;
  readonly $route: Route;
}

type AliasHandler = (request: Matched, response: ServerResponse, alias: Alias) => Promise<unknown>;

const waitMs = 5_000;
const lookEveryMs = 50;
const { aliasHandler } = (ApiGateway as unknown as { methods: { aliasHandler: AliasHandler } })
  .methods;

/**
 * Gives the calls of each request that moleculer-web routes a time limit together: `readTimeoutMs`
 * for reads, `requestMs` for all others. In a cluster some of that time may be spent on waiting for
 * a node that offers the action: the last one may have just died, and its successor be starting.
 */
export function RequestTimeMixin({ queryTimeoutMs }: Config) {
  const readMs = readTimeoutMs(queryTimeoutMs);

  return defineMixin()({
    methods: {
      async aliasHandler(...args: Parameters<AliasHandler>): Promise<unknown> {
        const [{ $ctx, $route }, , { action }] = args;
        limitCalls($ctx, $route.opts.scope === "events:read" ? readMs : requestMs);
        if (action !== null) await untilOffered(this.broker, action);
        return aliasHandler.apply(this, args);
      },
    },
  });
}

/** Resolves once some node offers an action, or after some seconds. */
async function untilOffered(broker: ServiceBroker, action: string): Promise<void> {
  const { transit, stopping } = broker as unknown as { transit?: object; stopping: boolean };
  if (transit === undefined || stopping) return;
  const until = performance.now() + waitMs;
  const { actions } = broker.registry;
  while (!actions.isAvailable(action) && performance.now() < until) await delay(lookEveryMs);
}
