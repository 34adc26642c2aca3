/** The limits of one event and one request. The API's documentation names the same numbers. */

/** Bytes of the event's JSON as the client sent it, without white space, in UTF-8. */
export const maxEventBytes = 65_536;

/**
 * Nested arrays and objects within `data`, and within `metadata`: `{}` is one level, a scalar none.
 */
export const maxNesting = 32;

/** How far a timestamp may lie ahead of this clock. */
export const maxAheadMs = 300_000;

/** The most findings that are reported for one event; more would not help a person. */
export const maxFindings = 20;

export const maxBatchEvents = 1_000;

/** The most bytes of a batch, on the wire and inflated. */
export const maxBatchBytes = 5 * 1_048_576;

/**
 * The most bytes of a request with one event, on the wire and inflated. It is more than an event
 * may have, since white space, escapes and base64 do not count for the event.
 */
export const maxEventBodyBytes = 4 * maxEventBytes;

/** How many callers of one project may wait for stored events at a time, in one ingest process. */
export const maxWaitsOfProject = 500;
