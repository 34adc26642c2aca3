/** What a server lets its clients take. */
export interface HttpLimits {
  readonly maxConnections: number;
  /** Of a request's line and its header fields together. */
  readonly maxHeaderBytes: number;
  readonly maxHeaders: number;
  readonly maxUrlBytes: number;
  /** How long the head of a request may take to come. */
  readonly headersTimeoutMs: number;
  /** How long a whole request may take to come. */
  readonly requestTimeoutMs: number;
  /** How long a connection may stay open between two requests. */
  readonly keepAliveMs: number;
  /** Of a body that is longer than five seconds on its way, on average. */
  readonly minBodyBytesPerSecond: number;
  /** Of all bodies together whose requests are not yet answered; one caller may have half of it. */
  readonly maxBodyBytesInFlight: number;
}

/** @param integer reads a variable: its default, its least and its greatest value */
export function readHttpLimits(
  integer: (name: string, otherwise: number, min: number, max: number) => number,
): HttpLimits {
  const most = Number.MAX_SAFE_INTEGER;
  return {
    maxConnections: integer("HTTP_MAX_CONNECTIONS", 10_000, 1, 1_000_000),
    maxHeaderBytes: integer("HTTP_MAX_HEADER_BYTES", 16_384, 1_024, 1_048_576),
    maxHeaders: integer("HTTP_MAX_HEADERS", 100, 10, 10_000),
    maxUrlBytes: integer("HTTP_MAX_URL_BYTES", 8_192, 256, 1_048_576),
    headersTimeoutMs: integer("HTTP_HEADERS_TIMEOUT_MS", 10_000, 100, 600_000),
    requestTimeoutMs: integer("HTTP_REQUEST_TIMEOUT_MS", 60_000, 100, 600_000),
    keepAliveMs: integer("HTTP_KEEP_ALIVE_MS", 65_000, 1, 600_000),
    minBodyBytesPerSecond: integer("HTTP_MIN_BODY_BYTES_PER_SECOND", 1_000, 0, most),
    maxBodyBytesInFlight: integer("HTTP_MAX_BODY_BYTES_IN_FLIGHT", 134_217_728, 10_485_760, most),
  };
}
