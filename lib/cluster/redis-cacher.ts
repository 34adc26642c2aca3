import { Cachers, type Logger, type ServiceBroker } from "moleculer";
import type { Redis } from "ioredis";
import { sizeOf } from "./memory-cacher.ts";
import { hide } from "./hide.ts";
import { closeConnection, connectionOf } from "./redis-connection.ts";

/** A command that takes longer than this makes Redis count as away. */
const commandTimeoutMs = 80;
const probeEveryMs = 1_000;

/** How long a lock outlives a process that died with it. */
const lockMs = 1_000;

/**
 * How long a process waits for another's answer to the same question before it computes its own.
 */
const lockWait = { retryCount: 10, retryDelay: 20, retryJitter: 10 };

type Unlock = () => Promise<void>;
const nothingToUnlock: Unlock = () => Promise.resolve();

/** Members of Moleculer's class that its types leave out. */
interface Internals {
  readonly broker: ServiceBroker;
  readonly logger: Logger;
  connected: boolean;
  readonly redlock: { on(event: "clientError", listener: (error: unknown) => void): void };
  readonly opts: { readonly missingResponse?: unknown };
}

interface RedisCacherOptions {
  /** `redis:` or `rediss:`. */
  readonly url: string;
  /** The prefix of all keys. */
  readonly prefix: string;
  readonly ttlSeconds: number;
  /** A value that takes about more memory than this is not cached. */
  readonly maxEntryBytes: number;
}

/**
 * Moleculer's Redis cacher, made safe to lose: no call of it ever throws, and only the log reports
 * its failures. A command that fails or takes longer than 80 ms makes Redis count as away; handlers
 * then answer until a probe, once a second, succeeds. Locks keep processes from computing the same
 * answer at once; a process that waited some 250 ms computes its own.
 */
export class RedisCacher extends Cachers.Redis<Redis> {
  readonly #maxEntryBytes: number;
  #probe: NodeJS.Timeout | undefined;
  /** The current problem, if it was logged already. */
  #isOutageLogged = false;
  #lastError: unknown;
  #closed = false;
  #tripped = Promise.withResolvers<void>();

  constructor({ url, prefix, ttlSeconds, maxEntryBytes }: RedisCacherOptions) {
    super({
      prefix,
      ttl: ttlSeconds,
      redlock: lockWait,
      redis: connectionOf(url, commandTimeoutMs),
    });
    this.#maxEntryBytes = maxEntryBytes;
    hide(this.opts, "redis");
  }

  get #internals(): Internals {
    return this as unknown as Internals;
  }

  override init(broker: ServiceBroker): void {
    super.init(broker);
    // Replaces the class's own listeners, which log each attempt to connect.
    this.client.removeAllListeners("error");
    this.client.removeAllListeners("ready");
    this.client.on("ready", () => this.#back());
    this.client.on("error", (error) => this.#away(error));
    this.client.on("close", () => this.#away(new Error("the connection was closed")));
    this.#internals.redlock.on("clientError", (error) => this.#away(error));
  }

  override get(key: string): Promise<Record<string, unknown> | null> {
    const missing = this.#internals.opts.missingResponse as null;
    return super.get(key).catch((error: unknown) => {
      this.#away(error);
      return missing;
    });
  }

  override async set(key: string, data: unknown, ttl?: number): Promise<void> {
    if (sizeOf(data, this.#maxEntryBytes) > this.#maxEntryBytes) return;
    await this.#quietly(super.set(key, data, ttl));
  }

  override async del(key: string | string[]): Promise<void> {
    await this.#quietly(super.del(key));
  }

  override async clean(match?: string | string[]): Promise<void> {
    await this.#quietly(super.clean(match));
  }

  /** Resolves with or without the lock: without it the same answer is computed twice. */
  override async lock(key: string | string[], ttl = lockMs): Promise<Unlock> {
    if (!this.#internals.connected) return nothingToUnlock;
    const locking = super.lock(key, ttl).then(
      (unlock): Unlock =>
        () =>
          unlock().catch(() => undefined),
      () => nothingToUnlock,
    );
    return Promise.race([locking, this.#tripped.promise.then(() => nothingToUnlock)]);
  }

  override async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#probe);
    await closeConnection(this.client);
  }

  async #quietly(work: Promise<unknown>): Promise<void> {
    await work.catch((error: unknown) => this.#away(error));
  }

  #away(error: unknown): void {
    if (this.#closed) return;
    this.#internals.connected = false;
    this.#tripped.resolve();
    this.#lastError = error;
    this.#probe ??= setTimeout(() => void this.#ask(), probeEveryMs).unref();
  }

  async #ask(): Promise<void> {
    try {
      await this.client.ping();
      this.#back();
    } catch {
      this.#logOutage();
      this.#probe = setTimeout(() => void this.#ask(), probeEveryMs).unref();
    }
  }

  /** Logs an outage once, after a failed probe: trouble of a moment makes no line. */
  #logOutage(): void {
    if (this.#isOutageLogged || this.#closed) return;
    this.#isOutageLogged = true;
    const reason =
      this.#lastError instanceof Error ? this.#lastError.message : String(this.#lastError);
    this.#internals.logger.warn(
      { reason },
      "the cache is away (REDIS_URL); answers are computed each time",
    );
  }

  #back(): void {
    clearTimeout(this.#probe);
    this.#probe = undefined;
    if (this.#internals.connected) return;
    this.#internals.connected = true;
    this.#tripped = Promise.withResolvers();
    if (this.#isOutageLogged) this.#internals.logger.info({}, "the cache is back");
    this.#isOutageLogged = false;
  }
}
