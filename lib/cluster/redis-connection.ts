import type { Redis } from "ioredis";

const closeTimeoutMs = 500;

/**
 * Options of a connection that never makes a caller wait: a command fails at once while Redis is
 * away.
 */
export function connectionOf(url: string, commandTimeoutMs: number) {
  return {
    ...addressOf(url),
    commandTimeout: commandTimeoutMs,
    connectTimeout: 2_000,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    retryStrategy: (attempt: number) => Math.min(attempt * 200, 2_000),
  };
}

/** Ends a connection, orderly where Redis answers in time. Never rejects. */
export async function closeConnection(redis: Redis): Promise<void> {
  const timer = setTimeout(() => redis.disconnect(), closeTimeoutMs);
  await redis.quit().catch(() => redis.disconnect());
  clearTimeout(timer);
}

/**
 * Splits a `redis:` or `rediss:` URL into the client's options, since the client takes either
 * options or a URL.
 */
function addressOf(url: string): Record<string, unknown> {
  const { protocol, hostname, port, username, password, pathname } = new URL(url);
  const db = Number(pathname.slice(1));
  return {
    host: hostname.replace(/^\[|\]$/g, ""),
    port: port === "" ? 6_379 : Number(port),
    ...(username !== "" && { username: decodeURIComponent(username) }),
    ...(password !== "" && { password: decodeURIComponent(password) }),
    ...(Number.isInteger(db) && { db }),
    ...(protocol === "rediss:" && { tls: {} }),
  };
}
