import { randomUUID } from "node:crypto";
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from "node:http";
import { ServiceError } from "../errors.ts";
import type { Config } from "../config.ts";
import type { Duplex } from "node:stream";
import { problemOf } from "./problem.ts";

/** The rules for the head of a request. */
interface HeadRules {
  readonly maxHeaders: number;
  /** The longest target of a request, in bytes. */
  readonly maxUrlBytes: number;
  /**
   * Whether only names of this machine are served. This refuses pages of other names that resolve
   * to it (DNS rebinding).
   */
  readonly localOnly: boolean;
}

type Head = Pick<IncomingMessage, "method" | "url" | "rawHeaders" | "httpVersion">;

const localNames = new Set(["localhost", "127.0.0.1", "[::1]"]);
const absoluteForm = /^https?:\/\/([^/?#]*)(.*)$/i;
/** A name, an IPv4 address or an IPv6 one in brackets, and a port (RFC 3986, 3.2.2). */
const authority = /^(\[[0-9a-f:.]+\]|[\w.~!$&'()*+,;=%-]*)(?::\d*)?$/i;

/**
 * Checks what Node leaves unchecked, and reads the target of a request (RFC 9112, 3.2): a path with
 * its query, or `*`. In absolute form the target's authority replaces the `Host` header.
 * @throws ServiceError MALFORMED, URI_TOO_LONG, HEADERS_TOO_LARGE, MISDIRECTED
 */
function readTarget({ method, url = "", rawHeaders, httpVersion }: Head, rules: HeadRules): string {
  if (rawHeaders.length > rules.maxHeaders * 2) {
    const message = `A request may have at most ${rules.maxHeaders} header fields`;
    throw new ServiceError("HEADERS_TOO_LARGE", message);
  }
  if (url.length > rules.maxUrlBytes) throw tooLong(rules.maxUrlBytes);
  if (url.includes("#")) throw malformed("The request's target has a fragment");
  const host = hostIn(rawHeaders);
  if (host === undefined && httpVersion !== "1.0") throw malformed("The Host header is missing");
  if (url.startsWith("/")) {
    checkHost(host, rules);
    return url;
  }
  if (url === "*" && method === "OPTIONS") {
    checkHost(host, rules);
    return url;
  }
  const [, named, rest = ""] = absoluteForm.exec(url) ?? [];
  if (named === undefined || named === "") throw malformed("The request's target is no path");
  checkHost(named, rules);
  return rest.startsWith("/") ? rest : `/${rest}`;
}

function tooLong(maxUrlBytes: number): ServiceError {
  return new ServiceError("URI_TOO_LONG", `An address may have at most ${maxUrlBytes} bytes`);
}

/** The path as the client sent it: moleculer-web rewrites `url` while it routes. */
export function pathOf(request: IncomingMessage & { readonly originalUrl?: string }): string {
  return (request.originalUrl ?? request.url ?? "/").split("?", 1)[0] ?? "/";
}

/** The host, which may come only once. Of several Node would silently take the first. */
function hostIn(rawHeaders: readonly string[]): string | undefined {
  let host: string | undefined;
  let contentType: string | undefined;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!;
    if (name.length === 4 && name.toLowerCase() === "host") {
      if (host !== undefined) throw malformed("The Host header is there twice");
      host = rawHeaders[at + 1];
    } else if (name.length === 12 && name.toLowerCase() === "content-type") {
      if (contentType !== undefined) throw malformed("The Content-Type header is there twice");
      contentType = rawHeaders[at + 1];
    }
  }
  return host;
}

function checkHost(host: string | undefined, { localOnly }: HeadRules): void {
  // Only HTTP/1.0, which no browser speaks, allows a request without a host.
  if (host === undefined) return;
  const name = authority.exec(host)?.[1];
  if (name === undefined) throw malformed("The request's host is no name or address");
  if (localOnly && !localNames.has(name.toLowerCase())) {
    const message = "Without keys this service answers only as localhost, 127.0.0.1 and [::1]";
    throw new ServiceError("MISDIRECTED", message);
  }
}

function malformed(message: string): ServiceError {
  return new ServiceError("MALFORMED", message);
}

/**
 * Handles the requests of a server. Each has its id, the sender's where that is valid, in its
 * header `x-request-id`.
 */
interface Receiver {
  /** Handles a request with a sound head. Its `url` is a path with its query, or `*`. */
  receive(request: IncomingMessage, response: ServerResponse): void;
  /**
   * Refuses a request after its head, or one whose body cannot be read. No answer was begun by
   * then.
   */
  refuse(request: IncomingMessage, response: ServerResponse, error: ServiceError): void;
  /** Notes a problem that was sent on a connection without a readable request. */
  noteProblem?(error: ServiceError): void;
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
      (problem) => receiver.noteProblem?.(problem),
    ),
  );
  server.on("drop", () => receiver.drop?.());
  return server;
}

/**
 * One line for an operator: why nothing can be served at an address.
 * @param variable the variable of its port
 */
export function notListening(variable: "PORT" | "OPS_PORT", { message }: Error): string {
  return `HOST and ${variable}: nothing can be served there: ${message}`;
}

/**
 * Requests whose client waits for `100 Continue` before it sends the body (`Expect: 100-continue`),
 * with the response that can send it.
 */
const waiting = new WeakMap<IncomingMessage, ServerResponse>();

/** Notes that the client sends its body only after `100 Continue`. */
function expectContinue(request: IncomingMessage, response: ServerResponse): void {
  waiting.set(request, response);
}

/** Sends `100 Continue` where the client waits for it. */
export function askForBody(request: IncomingMessage): void {
  if (request.headers.expect === undefined) return;
  waiting.get(request)?.writeContinue();
  waiting.delete(request);
}

/**
 * Whether the client still waits for `100 Continue`: its body may never come, so the connection
 * cannot be used again.
 */
export function awaitsContinue(request: IncomingMessage): boolean {
  return waiting.has(request);
}

/** Node's error for bytes that it cannot read as a request, or that do not arrive. */
interface BrokenRequest extends Error {
  readonly code?: string;
  /** llhttp's own words. */
  readonly reason?: string;
  /** The packet that could not be read. */
  readonly rawPacket?: Buffer;
}

/** A connection, with the response that Node is sending on it. */
export interface Connection extends Duplex {
  readonly _httpMessage?: (ServerResponse & { readonly req: IncomingMessage }) | null;
}

/** How long further bytes are received and dropped, so that the client can read its answer. */
const lingerMs = 1_000;
const answered = new WeakSet<Duplex>();

/**
 * Answers bytes that are no request with a problem, and ends the connection. Answers to earlier
 * requests on the connection go first.
 * @param refuse answers a request whose head was read and whose body cannot be, unless its answer
 *   was begun
 * @param tell gets each problem that was sent without a request
 */
function answerBroken(
  error: BrokenRequest,
  connection: Connection,
  maxUrlBytes: number,
  refuse: (request: IncomingMessage, response: ServerResponse, error: ServiceError) => void,
  noteProblem?: (error: ServiceError) => void,
): void {
  if (answered.has(connection)) return;
  if (!connection.writable || error.code === "ECONNRESET") {
    connection.destroy();
    return;
  }
  const response = connection._httpMessage;
  if (response === undefined || response === null) {
    const problem = errorOf(error, maxUrlBytes);
    sendProblem(connection, problem);
    noteProblem?.(problem);
  } else if (response.req.complete) {
    // The broken request came behind one that is still being answered.
    response.once("close", () =>
      setImmediate(() => answerBroken(error, connection, maxUrlBytes, refuse, noteProblem)),
    );
  } else if (response.headersSent) {
    // The request has its answer already, and the rest of its body will not come.
    response.destroy();
  } else {
    answered.add(connection);
    refuse(response.req, response, errorOf(error, maxUrlBytes));
  }
}

/** Sends a problem on a connection without a response, and closes it. */
function sendProblem(connection: Duplex, error: ServiceError): void {
  answered.add(connection);
  const requestId = randomUUID();
  const { status, headers, body } = problemOf(error, { instance: "/", requestId });
  const payload = JSON.stringify(body);
  const fields = {
    ...headers,
    date: new Date().toUTCString(),
    "x-request-id": requestId,
    "content-length": String(Buffer.byteLength(payload)),
    connection: "close",
  };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  connection.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n${lines.join("")}\r\n${payload}`,
  );
  const timer = setTimeout(() => connection.destroy(), lingerMs);
  connection.once("close", () => clearTimeout(timer)).resume();
}

const requestLine = /^[!#$%&'*+.^_`|~0-9A-Z-]+ \S+ HTTP\/1\.[01]\r\n/;
const target = /^[A-Z]+ (\S*)/;

function errorOf({ code, reason, rawPacket }: BrokenRequest, maxUrlBytes: number): ServiceError {
  const packet = rawPacket?.toString("latin1") ?? "";
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return new ServiceError("REQUEST_TOO_SLOW");
  if (code === "HPE_HEADER_OVERFLOW") {
    return (target.exec(packet)?.[1]?.length ?? 0) > maxUrlBytes
      ? tooLong(maxUrlBytes)
      : new ServiceError("HEADERS_TOO_LARGE");
  }
  if (code === "HPE_CHUNK_EXTENSIONS_OVERFLOW") {
    return new ServiceError("TOO_LARGE", "The chunks' extensions are too large");
  }
  if (code === "HPE_INVALID_METHOD" && requestLine.test(packet)) {
    return new ServiceError("NOT_IMPLEMENTED");
  }
  const words = reason === undefined ? "" : `: ${reason}`;
  return new ServiceError("MALFORMED", `What came is not a request of HTTP/1.1${words}`);
}
