import type { IncomingMessage, ServerResponse } from "node:http";
import type { Context, ServiceSettingSchema } from "moleculer";
import ApiGateway from "moleculer-web";
import { drainWithinMs } from "../../lib/call-limits.ts";
import { isLocalOnly, type Config } from "../../lib/config.ts";
import type { Meta } from "../../lib/contracts.ts";
import { ServiceError } from "../../lib/errors.ts";
import type { Identity } from "../../lib/http/identity.ts";
import { Bodies } from "../../lib/concurrency/held-bytes.ts";
import { readBody, RequestAborted, type BodyLimits } from "../../lib/http/body.ts";
import { Cors } from "../../lib/http/cors.ts";
import { OpenConnections } from "../../lib/http/drain.ts";
import { answerEarly } from "../../lib/http/sending.ts";
import { problemOf, refusalOf } from "../../lib/http/problem.ts";
import { readQueryString, unknownParameter, type Parameters } from "../../lib/http/query-string.ts";
import { httpServer, notListening, pathOf } from "../../lib/http/server.ts";
import { extendLimit, defineMixin, type Mixin } from "../../lib/moleculer.ts";
import { RoutedCallsMixin } from "./routed-calls.mixin.ts";
import { callerOf, AccessMixin } from "./access.mixin.ts";
import { RequestMetricsMixin, RequestTraceMixin } from "./request-telemetry.mixin.ts";
import type { Aliased, Edge, Route, Web, Alias, Routed } from "./edge.ts";

type State = Pick<Edge, "draining" | "atDrain" | "frontRoutes" | "bodies"> & {
  /** HEAD requests, which moleculer-web sees as GET. */
  heads: WeakSet<IncomingMessage>;
  connections: OpenConnections;
};

/**
 * Methods of addresses that take no body: their question is in the parameters, or they have none.
 */
const withoutBody = new Set(["GET", "HEAD", "OPTIONS", "DELETE"]);

/**
 * moleculer-web's settings; `this` is the service in them. Its own log lines would contain
 * addresses and queries, so they are off.
 */
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

/**
 * @throws ServiceError NOT_FOUND for a slash at the end, which moleculer-web would remove: an
 *   address has one name
 */
function checkAddress(path: string): void {
  if (path.length > 1 && path.endsWith("/")) throw nothingHere();
}

/** Whether a request has a body that nobody would read: its content would be silently lost. */
function hasUnreadBody({ method = "", headers }: IncomingMessage): boolean {
  const length = headers["content-length"];
  const hasBody = headers["transfer-encoding"] !== undefined || (length ?? "0") !== "0";
  return hasBody && withoutBody.has(method);
}

/**
 * Gives a service moleculer-web's routes on a server of our own: request ids, keys, time limits,
 * problems, 405, an orderly end.
 */
export function HttpEdgeMixin(config: Config) {
  const cors = config.corsOrigins.length === 0 ? undefined : new Cors(config.corsOrigins);

  return defineMixin<{ state: State }>()({
    mixins: [
      HttpMethodsMixin(cors),
      RequestMetricsMixin(),
      RequestTraceMixin(),
      AccessMixin(config),
      RoutedCallsMixin(config),
      ApiGateway as Mixin<Web>,
    ],
    settings: settingsOf(config),
    // Removes moleculer-web's own actions: any node on the bus could open the gateway with them.
    actions: { listAliases: false, addRoute: false, removeRoute: false },
    methods: {
      /** Replaces moleculer-web's server by our own, whose requests go through `onRequest`. */
      createServer(): void {
        this.server = httpServer(config.http, isLocalOnly(config), {
          receive: (request, response) => this.onRequest(request, response),
          refuse: (request, response, error) => {
            this.prepare(request, response);
            this.observeRequest(request, response);
            this.answerProblem(request, response, error);
          },
          noteProblem: (error) => this.countRefusal(error),
          drop: () => this.metrics.increment("analytics_http_connections_dropped_total"),
        });
        this.connections = new OpenConnections(this.server);
        // moleculer-web would go on for ever without an address, unless it is in use.
        this.server.on("error", (error) => {
          if (this.server.listening) return;
          this.broker.fatal(notListening("PORT", error), undefined, true);
        });
      },

      /**
       * Sets the headers of every answer. Each header costs time, so collecting has only the
       * necessary ones.
       */
      prepare(request: IncomingMessage, response: ServerResponse): void {
        if (this.draining) response.shouldKeepAlive = false;
        if (cors === undefined) return;
        for (const [name, value] of Object.entries(cors.headersFor(request))) {
          response.setHeader(name, value);
        }
      },

      onRequest(request: IncomingMessage, response: ServerResponse): void {
        this.prepare(request, response);
        this.traceRequest(request, response);
        if (this.answerInFront(request, response)) return;
        // moleculer-web would take this header for the request's id; here it is the sender's own.
        delete request.headers["x-correlation-id"];
        response.setHeader("X-Request-Id", String(request.headers["x-request-id"]));
        response.setHeader("Cache-Control", "no-store");
        response.setHeader("X-Content-Type-Options", "nosniff");
        this.observeRequest(request, response);
        try {
          checkAddress(pathOf(request));
          if (hasUnreadBody(request)) this.refuseBody(request);
          if (request.method === "OPTIONS") return this.answerOptions(request, response);
        } catch (error) {
          return this.answerProblem(request, response, error);
        }
        if (request.method === "HEAD") {
          this.heads.add(request);
          request.method = "GET";
        }
        void this.httpHandler(request, response);
      },

      /** Answers by a front route; returns whether there was one. */
      answerInFront(request: IncomingMessage, response: ServerResponse): boolean {
        const url = request.url ?? "";
        const end = url.indexOf("?");
        const route = this.frontRoutes.get(end < 0 ? url : url.slice(0, end));
        if (route === undefined) return false;
        if (request.method === "POST") {
          route.answer(request, response, end < 0 ? "" : url.slice(end + 1));
          return true;
        }
        if (!route.isAlone || request.method === "OPTIONS") return false;
        this.observeRequest(request, response);
        const allow = ["OPTIONS", "POST"];
        const error = new ServiceError("METHOD_NOT_ALLOWED", undefined, { allow });
        this.answerProblem(request, response, error);
        return true;
      },

      isHead(request: IncomingMessage): boolean {
        return this.heads.has(request);
      },

      countRefusal(error: unknown): void {
        const limit = refusalOf(error);
        if (limit === undefined) return;
        this.metrics.increment("analytics_http_refused_total", { limit });
      },

      answerProblem(request: IncomingMessage, response: ServerResponse, error: unknown): void {
        this.countRefusal(error);
        const instance = pathOf(request);
        const id = String(request.headers["x-request-id"]);
        const failed = { instance, requestId: id, parameters: "query" } as const;
        const { status, headers, body } = problemOf(error, failed);
        if (status >= 500 && status !== 503)
          this.logger.error({ err: error, requestId: id }, "request failed");
        if (response.headersSent) {
          response.destroy();
          return;
        }
        response.setHeader("X-Request-Id", id);
        void answerEarly(request, response, { status, headers, body: JSON.stringify(body) });
      },

      async takeBody(
        request: IncomingMessage & Partial<Pick<Routed, "$ctx">>,
        response: ServerResponse,
        limits: BodyLimits,
        identity: Identity,
      ): Promise<Buffer> {
        if (response.closed) throw new RequestAborted();
        const hold = this.bodies.hold(callerOf(identity, request));
        response.once("close", () => hold.release());
        const startedAt = performance.now();
        const body = await readBody(request, limits, hold);
        this.checkHolds(identity);
        if (request.$ctx !== undefined) {
          extendLimit(request.$ctx, performance.now() - startedAt);
        }
        return body;
      },

      /** Replaces moleculer-web's handler, which logs every 503 with its stack. */
      errorHandler(request: IncomingMessage, response: ServerResponse, error: unknown): void {
        this.answerProblem(request, response, error);
      },

      /**
       * Replaces moleculer-web's parser, which drops pairs after the first 1,000 and names that it
       * considers dangerous.
       */
      parseQueryString({ url = "/" }: IncomingMessage): { url: string; query: Parameters } {
        const mark = url.indexOf("?");
        if (mark < 0) return { url, query: {} };
        return { url: url.slice(0, mark), query: readQueryString(url.slice(mark + 1)) };
      },

      /**
       * Runs before each alias: a part of the path is no parameter, and would win over one of the
       * same name.
       */
      refuseShadowed({ query, $alias }: Aliased): void {
        const name = $alias.keys.find((key) => Object.hasOwn(query, key.name))?.name;
        if (name !== undefined) throw unknownParameter(name, `${name} is a part of the path here`);
      },

      /**
       * Runs first for each request of an alias: identifies the caller, and checks the key's scope
       * and the limits.
       */
      checkCaller(
        context: Context<unknown, Meta>,
        { opts }: Route,
        request: IncomingMessage,
        response: ServerResponse,
      ): void {
        const traceparent = this.traceparentOf(request);
        if (traceparent !== undefined) context.meta.traceparent = traceparent;
        if (opts.scope === undefined) return;
        const identity = this.checkAccess(request, response, opts.scope);
        const { project, actor } = identity;
        const requestId = String(request.headers["x-request-id"]);
        Object.assign(context.meta, { project, actor, requestId } satisfies Meta);
        Object.assign(request, { project, identity });
      },

      /** Accepts no new connections, answers the requests under way, then closes what is left. */
      async drain(): Promise<void> {
        this.draining = true;
        for (const end of this.atDrain) end();
        if (this.server.listening) await this.connections.drain(drainWithinMs);
      },
    },
    created() {
      this.draining = false;
      this.atDrain = new Set();
      this.frontRoutes = new Map();
      this.heads = new WeakSet();
      this.bodies = new Bodies(config.http);
    },
    stopped() {
      this.bodies.close();
    },
  });
}

interface Resolved {
  readonly alias: Alias;
  readonly params: object;
}

const methods = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"];

/**
 * Gives the gateway the answers about methods: it answers `OPTIONS`, and distinguishes a wrong
 * method from a wrong path.
 */
function HttpMethodsMixin(cors: Cors | undefined) {
  return defineMixin<{ needs: Pick<Edge, "answerProblem" | "frontRoutes" | "aliases"> }>()({
    methods: {
      /**
       * Runs before routing: moleculer-web would run the action of the method that a preflight
       * names.
       */
      answerOptions(request: IncomingMessage, response: ServerResponse): void {
        const path = pathOf(request);
        const allow = path === "*" ? methods : this.allowedAt(path);
        if (allow.length === 0) throw nothingHere();
        const preflight = cors?.preflightHeaders(request, allow);
        response.writeHead(204, { Allow: allow.join(", "), ...preflight }).end();
      },

      /**
       * Replaces moleculer-web's matching: an address that stands in the table literally
       * (`/events/counts`) is no id (`/events/:id`), whatever the method, if it can be read. One
       * that only takes an act (`POST /quarantine/replay`) is an id to the other methods.
       */
      resolveAlias(url: string, method = "GET"): Resolved | false {
        for (const alias of this.aliases) {
          if (!alias.isMethod(method)) continue;
          const params = alias.match(url);
          if (params === false) continue;
          if (alias.keys.length > 0 && this.isFixed(url, method)) continue;
          return { alias, params };
        }
        return false;
      },

      isFixed(url: string, method: string): boolean {
        if (this.frontRoutes.has(url)) return true;
        const literal = this.aliases.filter(({ keys, re }) => keys.length === 0 && re.test(url));
        return literal.some((alias) => alias.isMethod(method) || alias.isMethod("GET"));
      },

      /** The methods of an address; none where it does not exist. */
      allowedAt(path: string): readonly string[] {
        const front = this.frontRoutes.get(path);
        if (front?.isAlone) return ["OPTIONS", "POST"];
        const known = methods.filter(
          (method) =>
            (method === "POST" && front !== undefined) ||
            this.resolveAlias(path, method === "HEAD" ? "GET" : method) !== false,
        );
        return known.length === 0 ? [] : ["OPTIONS", ...known];
      },

      /** @throws ServiceError METHOD_NOT_ALLOWED, or MALFORMED where only the body is wrong */
      refuseBody(request: IncomingMessage): void {
        const { method = "" } = request;
        const allow = this.allowedAt(pathOf(request));
        if (allow.length > 0 && !allow.includes(method)) {
          throw new ServiceError("METHOD_NOT_ALLOWED", undefined, { allow });
        }
        throw new ServiceError("MALFORMED", `A request with ${method} takes no body here`);
      },

      /** Replaces moleculer-web's answer. */
      send404(request: IncomingMessage, response: ServerResponse): void {
        const allow = this.allowedAt(pathOf(request));
        const error =
          allow.length > 0
            ? new ServiceError("METHOD_NOT_ALLOWED", undefined, { allow })
            : nothingHere();
        this.answerProblem(request, response, error);
      },
    },
  });
}

function nothingHere(): ServiceError {
  return new ServiceError("NOT_FOUND", "There is nothing at this address");
}
