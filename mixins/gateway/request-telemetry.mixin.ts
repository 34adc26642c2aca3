import type { IncomingMessage, ServerResponse } from "node:http";
import { defineMixin } from "../../lib/moleculer.ts";
import { pathOf } from "../../lib/http/server.ts";
import type { Traceparent } from "../../lib/tracing/tracing.ts";

export interface RequestMetrics {
  /** Counts the answer when it is sent, and measures the time of reads. */
  observeRequest(request: IncomingMessage, response: ServerResponse): void;
  /** Counts an answer that was just sent and whose route is known. */
  countAnswer(route: string, status: number): void;
}

/** Addresses as a closed set of labels. */
const routes: readonly (readonly [RegExp, string])[] = [
  [/^\/api\/v1\/events\/batch$/, "batch"],
  [/^\/api\/v1\/events\/counts$/, "counts"],
  [/^\/api\/v1\/events\/export$/, "export"],
  [/^\/api\/v1\/events\/stream$/, "stream"],
  [/^\/api\/v1\/live$/, "live"],
  [/^\/api\/v1\/events\/[^/]+$/, "event"],
  [/^\/api\/v1\/reports\/mail$/, "mail_report"],
  [/^\/api\/v1\/queries(?:\/|$)/, "saved_questions"],
  [/^\/health/, "health"],
  [/^\/metrics$/, "metrics"],
];

/** Answers that do not end by themselves: their duration means nothing. */
const goOn: ReadonlySet<string> = new Set(["stream", "live"]);

/**
 * Gives a service `this.observeRequest(request, response)` and `this.countAnswer(route, status)`.
 * The time of a request to collect is in `analytics_publish_seconds`.
 */
export function RequestMetricsMixin() {
  return defineMixin()({
    methods: {
      observeRequest(request: IncomingMessage, response: ServerResponse): void {
        const collects = request.method === "POST";
        const path = request.url?.split("?", 1)[0] ?? "";
        const startedAt = collects ? 0 : performance.now();
        response.once("finish", () => {
          const route = routeOf(path, collects);
          this.countAnswer(route, response.statusCode);
          if (collects || goOn.has(route)) return;
          const seconds = (performance.now() - startedAt) / 1_000;
          this.metrics.observe("analytics_http_request_seconds", seconds, { route });
        });
      },

      countAnswer(route: string, statusCode: number): void {
        const status = `${Math.floor(statusCode / 100)}xx`;
        this.metrics.increment("analytics_http_requests_total", { route, status });
      },
    },
  });
}

/** The name of an address: one of a closed set, which contains no ids. */
function routeOf(path: string, collects: boolean): string {
  if (path === "/api/v1/events") return collects ? "collect" : "events";
  return routes.find(([pattern]) => pattern.test(path))?.[1] ?? "other";
}

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
