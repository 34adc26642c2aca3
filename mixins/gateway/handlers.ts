import type { ServerResponse } from "node:http";
import { ServiceError } from "../../lib/errors.ts";
import { maxNesting } from "../../lib/event/limits.ts";
import { plainJsonOf, requireMediaType, type BodyLimits } from "../../lib/http/body.ts";
import { unknownParameter } from "../../lib/http/query-string.ts";
import type { ShownJob } from "../../lib/questions/jobs.ts";
import type { Edge, Routed } from "./edge.ts";

/** @throws ServiceError MALFORMED for a body that nobody would read */
export function refuseBody({ headers }: Routed): void {
  const length = headers["content-length"] ?? "0";
  if (headers["transfer-encoding"] === undefined && length === "0") return;
  throw new ServiceError("MALFORMED", "This address takes no body");
}

/** @throws ServiceError VALIDATION for a parameter in the URL that nobody would read */
export function refuseParameters({ query }: Routed): void {
  const [stray] = Object.keys(query);
  if (stray !== undefined) throw unknownParameter(stray, "this address takes no parameters");
}

/**
 * Reads a body of JSON at an address that takes no parameters in the URL. It may have one level more
 * than a part of an event, a schema or a question: it holds one of them.
 * @throws ServiceError VALIDATION, UNSUPPORTED_MEDIA_TYPE, and as `takeBody`
 */
export async function takeJson(
  edge: Pick<Edge, "takeBody">,
  request: Routed,
  response: ServerResponse,
  limits: BodyLimits,
  mediaTypes: readonly string[] = ["application/json"],
): Promise<unknown> {
  refuseParameters(request);
  requireMediaType(request.headers["content-type"], mediaTypes);
  const bytes = await edge.takeBody(request, response, limits, request.identity!);
  return plainJsonOf(bytes, maxNesting + 1);
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

/** Answers 202 with a job that was begun, and the address where it can be watched. */
export function sendJob(response: ServerResponse, job: ShownJob): void {
  sendJson(response, job, 202, { location: `/api/v1/jobs/${job.id}` });
}
