import { errorType, type ErrorData, type ErrorType, type SharedLimit } from "../errors.ts";

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
  reads_waiting: true,
  answers_under_way: true,
  bodies_in_flight: true,
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
