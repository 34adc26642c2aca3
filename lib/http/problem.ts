import {
  catalogue,
  errorType,
  ServiceError,
  type ErrorData,
  type ErrorType,
  type Finding,
  type GivenId,
  type SharedLimit,
} from "../errors.ts";
import type { ItemError } from "../event/admit.ts";
import {
  findingsOfValidation,
  typeOfMoleculerError,
  type ForeignError,
} from "./moleculer-error.ts";

/** An answer that says what went wrong (RFC 9457). */
export interface Problem {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: ProblemBody;
}

export interface ProblemBody {
  /** `/problems/<kind>`, the same for all problems of a kind. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  /** The problem's details for a person. Absent from a 5xx. */
  readonly detail?: string;
  /** The request's path. */
  readonly instance: string;
  readonly requestId: string;
  readonly errors?: readonly Finding[];
  /**
   * Where the outcome is unknown: the ids under which to send those events again that came without
   * one.
   */
  readonly ids?: readonly GivenId[];
}

/** The request that is answered with a problem. */
interface FailedRequest {
  readonly instance: string;
  readonly requestId: string;
  /**
   * Where the parameters of an action came from, for pointers of Moleculer's own findings; absent:
   * `body`.
   */
  readonly parameters?: "body" | "query";
}

const maxFindings = 100;
const retryAfterSeconds = { TOO_MANY_REQUESTS: 1, otherwise: 5 } as const;
const longestRetrySeconds = 86_400;

/**
 * The answer to any thrown value: an error of the catalogue, perhaps from another node, an error of
 * Moleculer, or anything else. A value outside the catalogue becomes a 500 that reveals nothing
 * about its cause. Never throws.
 */
export function problemOf(error: unknown, request: FailedRequest): Problem {
  const foreign = typeof error === "object" && error !== null ? (error as ForeignError) : {};
  const moleculers = typeOfMoleculerError(foreign);
  const type = moleculers ?? errorType(error);
  const data = dataOf(foreign);
  const { status, title } = catalogue[type];
  const errors =
    type === "VALIDATION" && moleculers !== undefined
      ? findingsOfValidation(foreign.data, request.parameters ?? "body")
      : (data.errors ?? []);
  const said = moleculers === undefined ? messageOf(error) : undefined;
  const detail = said === undefined || said === title ? summaryOf(errors, "request") : said;
  return {
    status,
    headers: headersOf(type, data),
    body: {
      type: problemUri(type),
      title,
      status,
      ...(detail !== undefined && status < 500 && { detail }),
      instance: request.instance,
      requestId: request.requestId,
      ...(type === "OUTCOME_UNKNOWN" && data.ids !== undefined && { ids: data.ids }),
      ...(errors.length > 0 && status < 500 && { errors: errors.slice(0, maxFindings) }),
    },
  };
}

/** The URI of a kind of problem: `ID_CONFLICT` is `/problems/id-conflict`. */
export function problemUri(type: ErrorType): string {
  return `/problems/${type.toLowerCase().replaceAll("_", "-")}`;
}

const typesByUri: ReadonlyMap<string, ErrorType> = new Map(
  (Object.keys(catalogue) as ErrorType[]).map((type) => [problemUri(type), type]),
);

/** The refusal of one event, as the error of a request that held only this event. */
export function errorOfItem({ type, errors }: ItemError): ServiceError {
  const message = summaryOf(errors, "event");
  return new ServiceError(typesByUri.get(type) ?? "INVALID_EVENT", message, { errors });
}

/** What is wrong, in one sentence; `undefined` where there are no findings. */
function summaryOf(errors: readonly Finding[], whole: "event" | "request"): string | undefined {
  const [only] = errors;
  if (errors.length > 1) return `${errors.length} things are wrong with the ${whole}`;
  return only?.message;
}

function headersOf(type: ErrorType, data: ErrorData): Record<string, string> {
  const { status } = catalogue[type];
  const headers: Record<string, string> = {
    "content-type": "application/problem+json",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  };
  if (status === 401) headers["www-authenticate"] = "Bearer";
  if (status === 405) headers["allow"] = (data.allow ?? []).join(", ");
  if (status === 415 && data.accept !== undefined) headers["accept"] = data.accept.join(", ");
  if (status === 415 && data.acceptEncoding !== undefined) {
    headers["accept-encoding"] = data.acceptEncoding.join(", ");
  }
  if (status === 429 || status === 503) {
    const usual =
      type === "TOO_MANY_REQUESTS"
        ? retryAfterSeconds.TOO_MANY_REQUESTS
        : retryAfterSeconds.otherwise;
    headers["retry-after"] = String(data.retryAfter ?? usual);
  }
  return headers;
}

/** An error's data, as far as it has the right form: the error may come from anywhere. */
function dataOf({ data }: ForeignError): ErrorData {
  if (typeof data !== "object" || data === null) return {};
  const { errors, ids, retryAfter, allow, accept, acceptEncoding } = data as Record<
    string,
    unknown
  >;
  return {
    errors: Array.isArray(errors) ? errors.filter(isFinding) : undefined,
    ids: Array.isArray(ids) && ids.length > 0 ? ids.filter(isGivenId) : undefined,
    retryAfter: seconds(retryAfter),
    allow: tokens(allow),
    accept: tokens(accept),
    acceptEncoding: tokens(acceptEncoding),
  };
}

function isGivenId(value: unknown): value is GivenId {
  const { index, id } = (value ?? {}) as Record<string, unknown>;
  return typeof index === "number" && typeof id === "string";
}

function isFinding(value: unknown): value is Finding {
  const { pointer, code, message } = (value ?? {}) as Record<string, unknown>;
  return typeof pointer === "string" && typeof code === "string" && typeof message === "string";
}

/** At least one second: `Retry-After: 0` would invite clients to hammer. */
function seconds(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value)
    ? Math.min(Math.max(Math.ceil(value), 1), longestRetrySeconds)
    : undefined;
}

/** The texts that may stand in a header. */
function tokens(value: unknown): readonly string[] | undefined {
  return Array.isArray(value)
    ? value.filter((item) => typeof item === "string" && /^[\w!#$%&'*+.^`|~/-]+$/.test(item))
    : undefined;
}

function messageOf(error: unknown): string | undefined {
  const message = (error as { readonly message?: unknown } | null)?.message;
  return typeof message === "string" && message !== "" ? message : undefined;
}

const byType = {
  REQUEST_TOO_SLOW: "request_too_slow",
  TOO_LARGE: "too_large",
  URI_TOO_LONG: "uri_too_long",
  HEADERS_TOO_LARGE: "headers_too_large",
  QUERY_TOO_EXPENSIVE: "query_too_expensive",
  TOO_MANY_REQUESTS: "rate",
  OVERLOADED: "overloaded",
} as const satisfies Partial<Record<ErrorType, string>>;

const shared: Readonly<Record<SharedLimit, true>> = {
  erasures_open: true,
  reads_waiting: true,
  answers_under_way: true,
  bodies_in_flight: true,
  live_clients: true,
};

/** The limit that refused a request, as a label of metrics: a closed set. */
export type Refusal = (typeof byType)[keyof typeof byType] | SharedLimit;

/**
 * The limit that an error names, perhaps one from another node; `undefined` where it names none.
 */
export function refusalOf(error: unknown): Refusal | undefined {
  const type = errorType(error);
  const refusal = Object.hasOwn(byType, type) ? byType[type as keyof typeof byType] : undefined;
  if (refusal !== "rate") return refusal;
  const { data } = error as { readonly data?: ErrorData };
  const code = data?.errors?.[0]?.code;
  return code !== undefined && Object.hasOwn(shared, code) ? (code as SharedLimit) : refusal;
}
