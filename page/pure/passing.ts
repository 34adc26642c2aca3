/** Refusals that do not say that the request is wrong. */
const passingRefusals = [408, 425, 429];

/** Not implemented, and the version of HTTP: the same request would fail again. */
const lastingFailures = [501, 505];

/**
 * Whether another attempt may help, by the status of a failure (0: of the network), as the client
 * library decides: no answer came, or one that blames the moment or the server.
 */
export function isPassing(status: number): boolean {
  if (status >= 500) return !lastingFailures.includes(status);
  return status === 0 || passingRefusals.includes(status);
}
