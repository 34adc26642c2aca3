import { once } from "node:events";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Middleware, Service, ServiceBroker } from "moleculer";
import { isLocalOnly, type Config } from "../config.ts";
import { ServiceError, type ErrorType } from "../errors.ts";
import { answerEarly } from "../http/sending.ts";
import { problemOf } from "../http/problem.ts";
import { httpServer, notListening, pathOf } from "../http/server.ts";
import { Operations, operatingPaths } from "./operations.ts";

/**
 * Answers `/health/live`, `/health/ready`, `/health` and `/metrics` on `OPS_PORT` in a process
 * without the gateway, from before the first connection to the message broker until the end; any
 * other path is not found there. In a process with the gateway it holds the gateway's port while the
 * process waits for that broker, so that probes get an answer, and leaves it when the gateway
 * starts; any other path is answered 503 until then, since the gateway may know it.
 */
export function opsListener(config: Config): Middleware {
  const hasGateway = config.services.includes("api-gateway");
  const [variable, port] = hasGateway
    ? (["PORT", config.port] as const)
    : (["OPS_PORT", config.opsPort] as const);
  const wanted = port !== 0 && (!hasGateway || config.rabbitmqUrl !== null);
  const elsewhere = hasGateway ? "SERVICE_UNAVAILABLE" : "NOT_FOUND";
  let listener: { readonly server: Server; readonly operations: Operations } | undefined;

  async function open(broker: ServiceBroker): Promise<void> {
    const operations = new Operations(broker, config.services);
    const server = httpServer(config.http, isLocalOnly(config), {
      receive: (request, response) => answer(operations, elsewhere, request, response),
      refuse,
    });
    listener = { server, operations };
    try {
      server.listen(port, config.host);
      await once(server, "listening");
    } catch (error) {
      broker.fatal(notListening(variable, error as Error), undefined, true);
    }
  }

  async function close(): Promise<void> {
    if (listener === undefined) return;
    const { server, operations } = listener;
    listener = undefined;
    operations.close();
    server.close();
    server.closeAllConnections();
    await once(server, "close");
  }

  return {
    name: "OpsListener",
    async starting(broker: ServiceBroker) {
      if (wanted) await open(broker);
    },
    async serviceStarting(service: Service) {
      if (service.name === "api-gateway") await close();
    },
    stopped: close,
  };
}

const paths = new Map(Object.entries(operatingPaths));
const allow = ["GET", "HEAD", "OPTIONS"];

/** @param elsewhere the error for a path that is none of `operatingPaths` */
function answer(
  operations: Operations,
  elsewhere: ErrorType,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const name = paths.get(pathOf(request));
  const { method = "" } = request;
  response.setHeader("X-Request-Id", String(request.headers["x-request-id"]));
  if (name === undefined && pathOf(request) !== "*") {
    return refuse(request, response, new ServiceError(elsewhere));
  }
  if (name === undefined || method === "OPTIONS") {
    response.writeHead(204, { Allow: allow.join(", "), "Cache-Control": "no-store" }).end();
    return;
  }
  if (!allow.includes(method)) {
    return refuse(request, response, new ServiceError("METHOD_NOT_ALLOWED", undefined, { allow }));
  }
  Promise.resolve(operations[name](request, response)).catch(() => response.destroy());
}

function refuse(request: IncomingMessage, response: ServerResponse, error: ServiceError): void {
  const requestId = String(request.headers["x-request-id"]);
  const { status, headers, body } = problemOf(error, { instance: pathOf(request), requestId });
  response.setHeader("X-Request-Id", requestId);
  void answerEarly(request, response, { status, headers, body: JSON.stringify(body) });
}
