import type { ErrorType, Finding } from "../errors.ts";

/**
 * Translates errors of Moleculer, moleculer-web and body-parser into types of the catalogue. It
 * recognizes them by `name` and `type`, since over the wire an error loses its class. Their
 * messages name nodes and actions, so they are not shown.
 */
export function typeOfMoleculerError(error: ForeignError): ErrorType | undefined {
  // Other errors use these names too, but without a status as their code.
  const named = typeof error.code === "number" && error.code >= 400;
  return (named ? lookUp(byName, error.name) : undefined) ?? lookUp(byType, error.type);
}

export interface ForeignError {
  readonly name?: unknown;
  readonly type?: unknown;
  readonly code?: unknown;
  readonly data?: unknown;
}

const byName: ReadonlyMap<string, ErrorType> = new Map<string, ErrorType>([
  ["ServiceNotFoundError", "SERVICE_UNAVAILABLE"],
  ["ServiceNotAvailableError", "SERVICE_UNAVAILABLE"],
  ["RequestTimeoutError", "SERVICE_UNAVAILABLE"],
  ["RequestSkippedError", "SERVICE_UNAVAILABLE"],
  ["RequestRejectedError", "SERVICE_UNAVAILABLE"],
  // A bulkhead's queue is full; its type has the name of our durable queue's error.
  ["QueueIsFullError", "SERVICE_UNAVAILABLE"],
  ["BrokerDisconnectedError", "SERVICE_UNAVAILABLE"],
  ["ServiceUnavailableError", "SERVICE_UNAVAILABLE"],
  ["ValidationError", "VALIDATION"],
  ["InvalidRequestBodyError", "MALFORMED"],
  ["BadRequestError", "MALFORMED"],
  ["UnAuthorizedError", "UNAUTHORIZED"],
  ["ForbiddenError", "FORBIDDEN"],
  ["NotFoundError", "NOT_FOUND"],
  ["PayloadTooLarge", "TOO_LARGE"],
  ["RateLimitExceeded", "TOO_MANY_REQUESTS"],
]);

const byType: ReadonlyMap<string, ErrorType> = new Map<string, ErrorType>([
  ["SERVICE_NOT_FOUND", "SERVICE_UNAVAILABLE"],
  ["SERVICE_NOT_AVAILABLE", "SERVICE_UNAVAILABLE"],
  ["REQUEST_TIMEOUT", "SERVICE_UNAVAILABLE"],
  ["REQUEST_SKIPPED", "SERVICE_UNAVAILABLE"],
  ["REQUEST_REJECTED", "SERVICE_UNAVAILABLE"],
  ["BAD_GATEWAY", "SERVICE_UNAVAILABLE"],
  ["VALIDATION_ERROR", "VALIDATION"],
  ["INVALID_REQUEST_BODY", "MALFORMED"],
  ["UNABLE_DECODE_PARAM", "MALFORMED"],
  ["PAYLOAD_TOO_LARGE", "TOO_LARGE"],
  ["RATE_LIMIT_EXCEEDED", "TOO_MANY_REQUESTS"],
  ["entity.too.large", "TOO_LARGE"],
  ["parameters.too.many", "TOO_LARGE"],
  ["entity.parse.failed", "MALFORMED"],
  ["entity.verify.failed", "MALFORMED"],
  ["request.aborted", "MALFORMED"],
  ["request.size.invalid", "MALFORMED"],
  ["charset.unsupported", "UNSUPPORTED_MEDIA_TYPE"],
  ["encoding.unsupported", "UNSUPPORTED_MEDIA_TYPE"],
]);

function lookUp(table: ReadonlyMap<string, ErrorType>, key: unknown): ErrorType | undefined {
  return typeof key === "string" ? table.get(key) : undefined;
}

/** What fastest-validator reports about an action's parameter. */
interface BrokenParameter {
  readonly type?: unknown;
  readonly field?: unknown;
  readonly message?: unknown;
  readonly actual?: unknown;
}

/**
 * The findings of a Moleculer `ValidationError`.
 * @param place what a pointer is: an RFC 6901 pointer into a body, or a query parameter's name
 */
export function findingsOfValidation(data: unknown, place: "body" | "query"): readonly Finding[] {
  const broken: readonly unknown[] = Array.isArray(data) ? data : [];
  return broken.flatMap((item) => (isRecord(item) ? findingsOfRule(item, place) : []));
}

function findingsOfRule(rule: BrokenParameter, place: "body" | "query"): readonly Finding[] {
  const field = typeof rule.field === "string" ? rule.field : "";
  const kind = typeof rule.type === "string" ? rule.type : "invalid";
  if (kind === "objectStrict" && typeof rule.actual === "string") {
    return rule.actual.split(", ").map((name) => ({
      pointer: pointerOf(field === "" ? name : `${field}.${name}`, place),
      code: place === "query" ? "unknown_parameter" : "unknown_field",
      message: "there is no parameter of this name",
    }));
  }
  const message = typeof rule.message === "string" ? rule.message : "the value is not valid";
  return [{ pointer: pointerOf(field, place), code: codeOf(kind), message }];
}

/** `filters[0].op` as `/filters/0/op`. */
function pointerOf(field: string, place: "body" | "query"): string {
  if (place === "query" || field === "") return field;
  return `/${field
    .replace(/\[(\d+)\]/g, ".$1")
    .replaceAll("/", "~1")
    .replaceAll(".", "/")}`;
}

const typeRules = /^(?:string|number|boolean|object|array|date|multi|record|tuple)$/;
const lengthRules = /^(?:string|array|object|tuple)(?:Empty|Min|Max|Length|MinProps|MaxProps)$/;

function codeOf(rule: string): string {
  if (typeRules.test(rule)) return "type";
  if (lengthRules.test(rule)) return "length";
  if (rule === "stringPattern") return "pattern";
  if (rule === "enumValue" || rule === "stringEnum") return "choice";
  if (rule === "numberMin" || rule === "numberMax") return "out_of_range";
  return rule.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
