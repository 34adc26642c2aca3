import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import type { Context, ServiceSchema, ServiceSettingSchema } from "moleculer";
import ApiGateway from "moleculer-web";
import type { Scope } from "../lib/api-key.ts";
import type { Config } from "../lib/config.ts";
import type { Meta } from "../lib/contracts.ts";
import { ServiceError } from "../lib/errors.ts";
import { answerEarly } from "../lib/http/early-answer.ts";
import { problemOf } from "../lib/http/problem.ts";
import { defineMixin } from "../lib/moleculer.ts";
import { RateLimitMixin, type Admitting } from "./rate-limit.mixin.ts";
import { RequestMetricsMixin, type RequestMetrics } from "./request-metrics.mixin.ts";

/** What moleculer-web gives to `this`. */
interface Web {
  server: Server;
  httpHandler(request: IncomingMessage, response: ServerResponse): Promise<void>;
  resolveAlias(url: string, method: string): unknown;
}

export interface Edge extends Web, Admitting {
  draining: boolean;
  /** Whether the client wants no body: moleculer-web is told that it asks with GET. */
  isHead(request: IncomingMessage): boolean;
  /**
   * Answers a request itself and says so, or leaves it to the routes. Then it is also the one that counts
   * the answer and puts the request's id on it.
   */
  intercept(request: IncomingMessage, response: ServerResponse): boolean;
  /** Whether `intercept` has an answer for it. */
  collects(method: string, path: string): boolean;
  answerProblem(request: IncomingMessage, response: ServerResponse, error: unknown): void;
  admitCaller(
    context: Context<unknown, Meta>,
    route: Route,
    request: IncomingMessage,
    response: ServerResponse,
  ): void;
}

interface Route {
  readonly opts: { readonly scope?: Scope };
}

const drainWithinMs = 8_000;
const keepAliveMs = 65_000;
const requestId = /^[A-Za-z0-9._:@/+-]{1,128}$/;
const methods = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/** moleculer-web's settings, in which `this` is the service. Its log lines would tell addresses and queries. */
function settingsOf({ port, host }: Config): ServiceSettingSchema {
  const settings = {
    port,
    ip: host,
    logRequest: null,
    logResponse: null,
    logRequestParams: null,
    logRouteRegistration: null,
    onError(this: Edge, request: IncomingMessage, response: ServerResponse, error: unknown) {
      this.answerProblem(request, response, error);
    },
  };
  return settings as ServiceSettingSchema;
}

/** The path as the client sent it: moleculer-web rewrites `url` while it routes. */
function pathOf(request: IncomingMessage & { readonly originalUrl?: string }): string {
  return (request.originalUrl ?? request.url ?? "/").split("?", 1)[0] ?? "/";
}

/** Gives a service moleculer-web's routes on a server of our own: request ids, keys, problems, 405, an orderly end. */
export function HttpEdgeMixin(config: Config) {
  return defineMixin<Edge & RequestMetrics & { heads: WeakSet<IncomingMessage> }>()({
    mixins: [ApiGateway as Partial<ServiceSchema>, RequestMetricsMixin(), RateLimitMixin(config)],
    settings: settingsOf(config),
    methods: {
      /** In place of moleculer-web's: the same server with a handler in front of it. */
      createServer(): void {
        this.server = createServer((request, response) => this.onRequest(request, response));
        this.server.keepAliveTimeout = keepAliveMs;
        this.server.requestTimeout = 60_000;
        this.server.headersTimeout = 20_000;
      },

      onRequest(request: IncomingMessage, response: ServerResponse): void {
        const given = request.headers["x-request-id"];
        const id = typeof given === "string" && requestId.test(given) ? given : randomUUID();
        request.headers["x-request-id"] = id;
        if (this.draining) response.shouldKeepAlive = false;
        if (this.intercept(request, response)) return;
        // moleculer-web would take it for the request's id; here it is the sender's own affair.
        delete request.headers["x-correlation-id"];
        response.setHeader("X-Request-Id", id);
        this.observeRequest(request, response);
        if (request.method === "HEAD") {
          this.heads.add(request);
          request.method = "GET";
        }
        void this.httpHandler(request, response);
      },

      isHead(request: IncomingMessage): boolean {
        return this.heads.has(request);
      },

      answerProblem(request: IncomingMessage, response: ServerResponse, error: unknown): void {
        const instance = pathOf(request);
        const id = String(request.headers["x-request-id"]);
        const { status, headers, body } = problemOf(error, {
          instance,
          requestId: id,
          parameters: "query",
        });
        if (status >= 500 && status !== 503)
          this.logger.error({ err: error, requestId: id }, "request failed");
        if (response.headersSent) {
          response.destroy();
          return;
        }
        response.setHeader("X-Request-Id", id);
        void answerEarly(request, response, { status, headers, body: JSON.stringify(body) });
      },

      /** In place of moleculer-web's, which logs every 503 with its stack. */
      errorHandler(request: IncomingMessage, response: ServerResponse, error: unknown): void {
        this.answerProblem(request, response, error);
      },

      /** In place of moleculer-web's: tells a wrong method from a wrong path. */
      send404(request: IncomingMessage, response: ServerResponse): void {
        const path = pathOf(request);
        const allow = methods.filter(
          (method) => this.resolveAlias(path, method) !== false || this.collects(method, path),
        );
        const error =
          allow.length > 0
            ? new ServiceError("METHOD_NOT_ALLOWED", undefined, { allow })
            : new ServiceError("NOT_FOUND", "There is nothing at this address");
        this.answerProblem(request, response, error);
      },

      /** Before each alias: who asks, and whether the key and the limits allow it. */
      admitCaller(
        context: Context<unknown, Meta>,
        { opts }: Route,
        request: IncomingMessage,
        response: ServerResponse,
      ): void {
        if (opts.scope === undefined) return;
        context.meta.project = this.admit(request, response, opts.scope).project;
      },

      /** Takes no new connections, answers what is under way, then closes what is left. */
      async drain(): Promise<void> {
        this.draining = true;
        if (!this.server.listening) return;
        const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
        await Promise.race([closed, delay(drainWithinMs, undefined, { ref: false })]);
        this.server.closeAllConnections();
      },
    },
    created() {
      this.draining = false;
      this.heads = new WeakSet();
    },
  });
}
