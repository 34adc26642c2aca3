import { tookTooLong } from "../time-limit.ts";
import { isTimeLimit } from "./errors.ts";
import type { ServerLimits } from "./server-limits.ts";

/**
 * How long a server works on one command of a read without a limit of its own: less than its
 * callers wait.
 */
const timeoutMs = 10_000;

/** @throws ServiceError QUERY_TOO_EXPENSIVE where the server stopped the read at the limit */
export async function withinOwnLimit<T>(read: (limits: ServerLimits) => Promise<T>): Promise<T> {
  try {
    return await read({ maxTimeMS: timeoutMs });
  } catch (error) {
    throw isTimeLimit(error) ? tookTooLong(timeoutMs) : error;
  }
}
