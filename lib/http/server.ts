import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { ServiceError } from "../errors.ts";
import { answerBroken, sendProblem } from "./broken-request.ts";
import { expectContinue } from "./expectation.ts";
import type { Config } from "../config.ts";
import { readTarget } from "./request-head.ts";

/**
 * Handles the requests of a server. Each has its id, the sender's where that is valid, in its
 * header `x-request-id`.
 */
interface Receiver {
  /** Handles a request with a sound head. Its `url` is a path with its query, or `*`. */
  receive(request: IncomingMessage, response: ServerResponse): void;
  /** Refuses a request after its head, or one whose body cannot be read. */
  refuse(request: IncomingMessage, response: ServerResponse, error: ServiceError): void;
  /** Notes a problem that was sent on a connection without a readable request. */
  tell?(error: ServiceError): void;
  /** Notes that a connection was closed at once, as there are too many. */
  drop?(): void;
}

const requestId = /^[A-Za-z0-9._:@/+-]{1,128}$/;

/**
 * Makes an HTTP server that enforces its limits and answers each fault of HTTP with a problem. It
 * does not listen yet.
 */
export function httpServer(limits: Config["http"], localOnly: boolean, receiver: Receiver): Server {
  const { maxHeaders, maxUrlBytes, headersTimeoutMs } = limits;
  const rules = { maxHeaders, maxUrlBytes, localOnly };
  const server = createServer({
    maxHeaderSize: limits.maxHeaderBytes,
    headersTimeout: headersTimeoutMs,
    requestTimeout: Math.max(limits.requestTimeoutMs, headersTimeoutMs),
    keepAliveTimeout: limits.keepAliveMs,
    connectionsCheckingInterval: Math.min(1_000, headersTimeoutMs),
    // Node's own answer would be no problem document.
    requireHostHeader: false,
  });
  // Node would silently drop the fields beyond its limit.
  server.maxHeadersCount = 0;
  server.maxConnections = limits.maxConnections;

  function take(request: IncomingMessage, response: ServerResponse): void {
    const given = request.headers["x-request-id"];
    request.headers["x-request-id"] =
      typeof given === "string" && requestId.test(given) ? given : randomUUID();
    try {
      request.url = readTarget(request, rules);
    } catch (error) {
      receiver.refuse(request, response, error as ServiceError);
      return;
    }
    receiver.receive(request, response);
  }

  server.on("request", take);
  server.on("checkContinue", (request: IncomingMessage, response: ServerResponse) => {
    expectContinue(request, response);
    take(request, response);
  });
  server.on("checkExpectation", (request: IncomingMessage, response: ServerResponse) => {
    expectContinue(request, response);
    request.headers["x-request-id"] = randomUUID();
    receiver.refuse(request, response, new ServiceError("EXPECTATION_FAILED"));
  });
  server.on("connect", (_request, connection) =>
    sendProblem(connection, new ServiceError("NOT_IMPLEMENTED")),
  );
  server.on("clientError", (error, connection) =>
    answerBroken(
      error,
      connection,
      maxUrlBytes,
      (...refused) => receiver.refuse(...refused),
      (problem) => receiver.tell?.(problem),
    ),
  );
  server.on("drop", () => receiver.drop?.());
  return server;
}
