import type { IncomingMessage, ServerResponse } from "node:http";
import { pathOf } from "../../lib/http/server.ts";
import { defineMixin } from "../../lib/moleculer.ts";
import type { Traceparent } from "../../lib/tracing/tracing.ts";
import { routeOf } from "./request-metrics.mixin.ts";

export interface RequestTraces {
  /**
   * Traces a request as a span, within the sender's where its `traceparent` is valid, until its
   * answer is sent or its sender left.
   */
  traceRequest(request: IncomingMessage, response: ServerResponse): void;
  /** The traceparent for work on a request; `undefined` where nothing is traced. */
  traceparentOf(request: IncomingMessage): Traceparent | undefined;
}

/** Gives the gateway `this.traceRequest(request, response)` and `this.traceparentOf(request)`. */
export function RequestTraceMixin() {
  return defineMixin<{ state: { traceparents: WeakMap<IncomingMessage, Traceparent> } }>()({
    methods: {
      traceRequest(request: IncomingMessage, response: ServerResponse): void {
        if (!this.tracing.isOn) return;
        const { method = "", headers } = request;
        const route = routeOf(pathOf(request), method === "POST");
        const given = headers["traceparent"];
        const span = this.tracing.start(`${method} ${route}`, {
          kind: "server",
          parent: typeof given === "string" ? given : undefined,
          attributes: {
            "http.request.method": method,
            "http.route": route,
            "request.id": String(headers["x-request-id"]),
          },
        });
        if (span.traceparent !== undefined) this.traceparents.set(request, span.traceparent);
        response.once("close", () => {
          span.set({ "http.response.status_code": response.statusCode });
          span.end();
        });
      },

      traceparentOf(request: IncomingMessage): Traceparent | undefined {
        return this.traceparents.get(request);
      },
    },
    created() {
      this.traceparents = new WeakMap();
    },
  });
}
