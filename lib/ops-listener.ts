import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Middleware, Service, ServiceBroker } from "moleculer";
import type { Config } from "./config.ts";
import { Operations, operatingPaths, sendJson } from "./operations.ts";

/**
 * Answers `/health/live`, `/health/ready`, `/health` and `/metrics` on `OPS_PORT` in a process without
 * the gateway, from before the first connection to the message broker until the end. In a process
 * with the gateway it holds the gateway's port while that broker is waited for, so that probes get
 * an answer, and leaves it when the gateway starts.
 */
export function opsListener(config: Config): Middleware {
  const hasGateway = config.services.includes("api-gateway");
  const [variable, port] = hasGateway ? ["PORT", config.port] : ["OPS_PORT", config.opsPort];
  const wanted = port !== 0 && (!hasGateway || config.rabbitmqUrl !== null);
  let listener: { readonly server: Server; readonly operations: Operations } | undefined;

  async function open(broker: ServiceBroker): Promise<void> {
    const operations = new Operations(broker, config.services);
    const server = createServer((request, response) => answer(operations, request, response));
    listener = { server, operations };
    try {
      server.listen(port, config.host);
      await once(server, "listening");
    } catch (error) {
      const reason = (error as Error).message;
      broker.fatal(`${variable}: nothing can be served there: ${reason}`, undefined, true);
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

function answer(operations: Operations, request: IncomingMessage, response: ServerResponse): void {
  const name = paths.get((request.url ?? "").split("?", 1)[0] ?? "");
  if (name === undefined) return sendJson(response, 404, { status: "not found" });
  if (request.method !== "GET" && request.method !== "HEAD") {
    response.setHeader("Allow", "GET, HEAD");
    return sendJson(response, 405, { status: "method not allowed" });
  }
  Promise.resolve(operations[name](request, response)).catch(() => response.destroy());
}
