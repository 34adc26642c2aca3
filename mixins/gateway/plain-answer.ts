import type { Routed } from "./edge.ts";
import type { ServerResponse } from "node:http";
import { ServiceError } from "../../lib/errors.ts";

/** @throws ServiceError MALFORMED for a body that nobody would read */
export function refuseBody({ headers }: Routed): void {
  const length = headers["content-length"] ?? "0";
  if (headers["transfer-encoding"] === undefined && length === "0") return;
  throw new ServiceError("MALFORMED", "This address takes no body");
}

export function sendJson(
  response: ServerResponse,
  body: object,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { "content-type": "application/json; charset=utf-8", ...headers });
  response.end(JSON.stringify(body));
}
