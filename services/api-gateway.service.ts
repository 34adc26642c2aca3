import type { IncomingMessage, ServerResponse } from "node:http";
import { loadConfig, type Config } from "../lib/config.ts";
import { defineService } from "../lib/moleculer.ts";
import { operatingPaths, type Operating } from "../lib/operations.ts";
import { CollectEdgeMixin } from "../mixins/collect-edge.mixin.ts";
import { HttpEdgeMixin, type Edge } from "../mixins/http-edge.mixin.ts";
import { OperateMixin } from "../mixins/operate.mixin.ts";

/** Reads, each an alias of an action. Collecting stands in front of them, in CollectEdgeMixin. */
const reads = {
  path: "/api/v1",
  scope: "events:read",
  aliases: {
    "GET /events": "query.events",
    "GET /events/counts": "query.counts",
    "GET /events/:id": "query.event",
  },
};

const operate = {
  path: "/",
  aliases: Object.fromEntries(
    Object.entries(operatingPaths).map(([path, name]) => [`GET ${path}`, operation(name)]),
  ),
};

/** The HTTP edge: maps requests to actions and errors to problems. Knows nothing of what an event means. */
export const apiGateway = (config: Config) =>
  defineService(
    "api-gateway",
    HttpEdgeMixin(config),
    CollectEdgeMixin(),
    OperateMixin(config),
  )({
    settings: { routes: [reads, operate].map(closed) },
    actions: {},
  });

/** Only the aliases are reachable, nothing is parsed or logged by moleculer-web, and keys are checked first. */
function closed<Route extends object>(route: Route) {
  return {
    ...route,
    mappingPolicy: "restrict",
    bodyParsers: false,
    logging: false,
    onBeforeCall(this: Edge, ...[context, of, request]: Parameters<Edge["admitCaller"]>) {
      this.admitCaller(context, of, request);
    },
  };
}

function operation(name: keyof Operating) {
  return function handle(
    this: Operating,
    request: IncomingMessage,
    response: ServerResponse,
    fail: (error: unknown) => void,
  ): void {
    Promise.resolve(this[name](request, response)).catch(fail);
  };
}

export default apiGateway(loadConfig());
