import { randomUUID } from "node:crypto";
import { STATUS_CODES, type IncomingMessage, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { ServiceError } from "../errors.ts";
import { problemOf } from "./problem.ts";
import { tooLong } from "./request-head.ts";

/** Node's error for bytes that it cannot read as a request, or that do not arrive. */
interface BrokenRequest extends Error {
  readonly code?: string;
  /** llhttp's own words. */
  readonly reason?: string;
  /** The packet that could not be read. */
  readonly rawPacket?: Buffer;
}

/** A connection, with the response that Node is sending on it. */
interface Connection extends Duplex {
  readonly _httpMessage?: (ServerResponse & { readonly req: IncomingMessage }) | null;
}

/** How long further bytes are received and dropped, so that the client can read its answer. */
const lingerMs = 1_000;
const answered = new WeakSet<Duplex>();

/**
 * Answers bytes that are no request with a problem, and ends the connection. Answers to earlier
 * requests on the connection go first.
 * @param refuse answers a request whose head was read and whose body cannot be
 * @param tell gets each problem that was sent without a request
 */
export function answerBroken(
  error: BrokenRequest,
  connection: Connection,
  maxUrlBytes: number,
  refuse: (request: IncomingMessage, response: ServerResponse, error: ServiceError) => void,
  tell?: (error: ServiceError) => void,
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
    tell?.(problem);
  } else if (response.req.complete) {
    // The broken request came behind one that is still being answered.
    response.once("close", () =>
      setImmediate(() => answerBroken(error, connection, maxUrlBytes, refuse, tell)),
    );
  } else {
    answered.add(connection);
    refuse(response.req, response, errorOf(error, maxUrlBytes));
  }
}

/** Sends a problem on a connection without a response, and closes it. */
export function sendProblem(connection: Duplex, error: ServiceError): void {
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
