import type { Redis } from "ioredis";
import type { Bucket, Ledger, Spent } from "./rate-limit.ts";
import { closeConnection, connectionOf } from "../cluster/redis-connection.ts";

const commandTimeoutMs = 250;

/**
 * Fills each bucket for the time since the last call, by the server's clock, subtracts the spent
 * amount, and lets it expire when it would be full. KEYS: the buckets. ARGV: a second's worth, the
 * size, then the amount spent from each.
 */
const bookScript = `
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local rate, size = tonumber(ARGV[1]), tonumber(ARGV[2])
local left = {}
for i, key in ipairs(KEYS) do
  local balance = size
  local seen = redis.call('HMGET', key, 'balance', 'at')
  if seen[1] then
    balance = math.min(size, seen[1] + math.max(0, now - seen[2]) * rate)
  end
  balance = balance - ARGV[2 + i]
  redis.call('HSET', key, 'balance', tostring(balance), 'at', string.format('%.6f', now))
  redis.call('EXPIRE', key, math.min(86400, math.ceil((size - balance) / rate) + 1))
  left[i] = tostring(balance)
end
return left`;

interface LedgerLog {
  info(phrase: string): void;
  warn(fields: object, phrase: string): void;
}

/**
 * The accounts of callers in Redis, which all processes share. Logs once that Redis is away and
 * once that it is back.
 */
export class RedisLedger implements Ledger {
  readonly #redis: Promise<Redis>;
  readonly #prefix: string;
  readonly #log: LedgerLog;
  #away = false;
  #closed = false;

  /** @param prefix the prefix of the keys */
  constructor(url: string, prefix: string, log: LedgerLog) {
    this.#prefix = prefix;
    this.#log = log;
    this.#redis = this.#connect(url);
  }

  /** The client is loaded only where there is a Redis. */
  async #connect(url: string): Promise<Redis> {
    const { Redis } = await import("ioredis");
    const redis = new Redis(connectionOf(url, commandTimeoutMs));
    return redis.on("error", (error: unknown) => this.#isAway(error));
  }

  async book(spent: readonly Spent[], { name, perSecond, size }: Bucket): Promise<number[]> {
    const keys = spent.map(({ caller }) => `${this.#prefix}-limit:${name}:${caller}`);
    const amounts = spent.map(({ amount }) => amount);
    try {
      const args = [...keys, perSecond, size, ...amounts];
      const redis = await this.#redis;
      const left = (await redis.eval(bookScript, keys.length, ...args)) as string[];
      this.#isBack();
      return left.map(Number);
    } catch (error) {
      this.#isAway(error);
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await closeConnection(await this.#redis);
  }

  #isAway(error: unknown): void {
    if (this.#away || this.#closed) return;
    this.#away = true;
    const { message: reason } = error as Error;
    this.#log.warn({ reason }, "Redis (REDIS_URL) is away; each process limits rates for itself");
  }

  #isBack(): void {
    if (!this.#away) return;
    this.#away = false;
    this.#log.info("Redis is back; rate limits are shared again");
  }
}
