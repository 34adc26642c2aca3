import { tookTooLong } from "../time-limit.ts";
import { isTimeLimit } from "./errors.ts";
import type { ServerLimits } from "./server-limits.ts";

/**
 * How long a server works on one command of a read without a limit of its own: less than its
 * callers wait.
 */
const timeoutMs = 10_000;

/**
 * @param limitMs the limit, where the caller waits longer
 * @throws ServiceError QUERY_TOO_EXPENSIVE where the server stopped the read at the limit
 */
export async function withinOwnLimit<T>(
  read: (limits: ServerLimits) => Promise<T>,
  limitMs = timeoutMs,
): Promise<T> {
  try {
    return await read({ maxTimeMS: limitMs });
  } catch (error) {
    throw isTimeLimit(error) ? tookTooLong(limitMs) : error;
  }
}
