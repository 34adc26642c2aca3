/**
 * Every error that callers can meet. They branch on `type`: over the wire an error loses its class.
 */
export const catalogue = {
  MALFORMED: { status: 400, title: "The request is malformed", retryable: false },
  VALIDATION: { status: 400, title: "The request has invalid parameters", retryable: false },
  UNAUTHORIZED: { status: 401, title: "A key is required", retryable: false },
  FORBIDDEN: { status: 403, title: "The key does not allow this", retryable: false },
  NOT_FOUND: { status: 404, title: "There is no such thing here", retryable: false },
  METHOD_NOT_ALLOWED: { status: 405, title: "The method is not allowed here", retryable: false },
  NOT_ACCEPTABLE: { status: 406, title: "No such representation", retryable: false },
  REQUEST_TOO_SLOW: { status: 408, title: "The request took too long to come", retryable: true },
  ID_CONFLICT: { status: 409, title: "This id was used for another event", retryable: false },
  TOO_MANY_QUESTIONS: {
    status: 409,
    title: "The project has too many saved questions",
    retryable: false,
  },
  TOO_MANY_SCHEMAS: { status: 409, title: "The project has too many schemas", retryable: false },
  REPLAY_UNDER_WAY: { status: 409, title: "The event is being replayed", retryable: false },
  TOO_MANY_KEYS: { status: 409, title: "The project has too many keys", retryable: false },
  PRECONDITION_FAILED: { status: 412, title: "A precondition was not met", retryable: false },
  TOO_LARGE: { status: 413, title: "The request is too large", retryable: false },
  URI_TOO_LONG: { status: 414, title: "The address is too long", retryable: false },
  UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    title: "The content type is not supported",
    retryable: false,
  },
  EXPECTATION_FAILED: { status: 417, title: "The only Expect is 100-continue", retryable: false },
  MISDIRECTED: { status: 421, title: "This host is not served here", retryable: false },
  INVALID_EVENT: { status: 422, title: "The event is invalid", retryable: false },
  BREAKS_SCHEMA: { status: 422, title: "The event breaks its schema", retryable: false },
  QUERY_TOO_EXPENSIVE: {
    status: 422,
    title: "The question would take too much to answer",
    retryable: false,
  },
  TOO_MANY_REQUESTS: { status: 429, title: "Too many requests", retryable: true },
  HEADERS_TOO_LARGE: {
    status: 431,
    title: "The request's header fields are too large",
    retryable: false,
  },
  CALLER_LEFT: { status: 499, title: "The caller left before the answer", retryable: false },
  INTERNAL: { status: 500, title: "Something went wrong here", retryable: false },
  NOT_IMPLEMENTED: { status: 501, title: "There is no such method", retryable: false },
  OVERLOADED: { status: 503, title: "Too much is under way here right now", retryable: true },
  QUEUE_UNAVAILABLE: {
    status: 503,
    title: "Events cannot be made durable right now",
    retryable: true,
  },
  QUEUE_FULL: { status: 503, title: "The queue is full", retryable: true },
  OUTCOME_UNKNOWN: {
    status: 503,
    title: "It is not known whether this was kept: send it again with the same ids",
    retryable: true,
  },
  STORE_UNAVAILABLE: { status: 503, title: "The store is away right now", retryable: true },
  SERVICE_UNAVAILABLE: { status: 503, title: "A service is away right now", retryable: true },
  DRAINING: { status: 503, title: "The service is shutting down", retryable: true },
} as const;

export type ErrorType = keyof typeof catalogue;

/**
 * One finding about the input. `pointer` is an RFC 6901 pointer into the body, or a query
 * parameter's name.
 */
export interface Finding {
  readonly pointer: string;
  readonly code: string;
  readonly message: string;
}

/** An id that the service gave to an event without one. */
export interface GivenId {
  /** The event's place in the body. */
  readonly index: number;
  readonly id: string;
}

export interface ErrorData {
  readonly errors?: readonly Finding[];
  /**
   * Only with OUTCOME_UNKNOWN: the ids given to events without one; the caller must send the events
   * again under these ids.
   */
  readonly ids?: readonly GivenId[];
  /** The seconds of `Retry-After`. */
  readonly retryAfter?: number;
  /** The methods of `Allow`. */
  readonly allow?: readonly string[];
  /** The media types of `Accept`. */
  readonly accept?: readonly string[];
  /** The content codings of `Accept-Encoding`. */
  readonly acceptEncoding?: readonly string[];
}

/**
 * An error of the catalogue, in the shape Moleculer carries over the wire.
 * `message` is for the caller to read: it shows no internals.
 */
export class ServiceError extends Error {
  readonly type: ErrorType;
  readonly code: number;
  readonly retryable: boolean;
  readonly data: ErrorData;

  constructor(type: ErrorType, message: string = catalogue[type].title, data: ErrorData = {}) {
    super(message);
    this.name = "ServiceError";
    this.type = type;
    this.code = catalogue[type].status;
    this.retryable = catalogue[type].retryable;
    this.data = data;
  }
}

/** The resources that the requests of one caller share. */
export type SharedLimit =
  "reads_waiting" | "answers_under_way" | "bodies_in_flight" | "erasures_open" | "live_clients";

/**
 * The error TOO_MANY_REQUESTS for a caller that uses its share of a resource; the finding's code
 * names the resource.
 */
export function tooMany(limit: SharedLimit, message: string, retryAfter: number): ServiceError {
  const errors = [{ pointer: "", code: limit, message }];
  return new ServiceError("TOO_MANY_REQUESTS", message, { retryAfter, errors });
}

/** The error TOO_LARGE for what would be more than one message may have. */
export function messageTooLarge(message: string): ServiceError {
  const errors = [{ pointer: "", code: "message_bytes", message }];
  return new ServiceError("TOO_LARGE", message, { errors });
}

/**
 * The catalogue's name for an error, also for one that crossed the wire; `INTERNAL` where it has
 * none.
 */
export function errorType(error: unknown): ErrorType {
  const type = (error as { type?: unknown } | null)?.type;
  return typeof type === "string" && Object.hasOwn(catalogue, type)
    ? (type as ErrorType)
    : "INTERNAL";
}
