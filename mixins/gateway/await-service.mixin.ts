import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import type { ServiceBroker } from "moleculer";
import ApiGateway from "moleculer-web";
import { defineMixin } from "../../lib/moleculer.ts";

interface Alias {
  /** The action that the alias calls; absent where a handler answers. */
  readonly action?: string;
}

type AliasHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  alias: Alias,
) => Promise<unknown>;

const waitMs = 5_000;
const lookEveryMs = 50;
const { aliasHandler } = (ApiGateway as unknown as { methods: { aliasHandler: AliasHandler } })
  .methods;

/**
 * Lets the gateway of a cluster wait: a request for an action that no node offers waits for one,
 * some seconds at most. The last node that offered it may have just died, and its successor be
 * starting.
 */
export function AwaitServiceMixin() {
  return defineMixin()({
    methods: {
      async aliasHandler(...args: Parameters<AliasHandler>): Promise<unknown> {
        const [, , { action }] = args;
        if (action !== undefined) await untilOffered(this.broker, action);
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
