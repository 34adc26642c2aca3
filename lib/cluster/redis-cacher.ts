import { Cachers, type Logger, type ServiceBroker } from "moleculer";
import type { Redis } from "ioredis";
import { sizeOf } from "./value-size.ts";
import { hide } from "./hide.ts";
import { closeConnection, connectionOf } from "./redis-connection.ts";

/** What one command may take; then Redis counts as away. */
const commandTimeoutMs = 80;
const probeEveryMs = 1_000;

/** How long a lock outlives a process that died with it. */
const lockMs = 1_000;

/** How long one waits for another's answer to the same question before it looks for itself. */
const lockWait = { retryCount: 10, retryDelay: 20, retryJitter: 10 };

type Unlock = () => Promise<void>;
const nothingToUnlock: Unlock = () => Promise.resolve();

/** What Moleculer's class has and its types leave out. */
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
  /** What the keys begin with. */
  readonly prefix: string;
  readonly ttlSeconds: number;
  /** A value that takes more memory than this, about, is not kept. */
  readonly maxEntryBytes: number;
}

/**
 * Moleculer's Redis cacher, whose failures nobody notices but the log: no call of it ever throws. A
 * command that fails or takes longer than 80 ms makes Redis count as away, and then answers come
 * from the handlers until a probe, once a second, succeeds. Locks keep processes from working on
 * the same answer at once; one who waited some 250 ms works for itself.
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
    // In place of the class's own listeners, which log each attempt to connect.
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

  /** Resolves with or without the lock: without it, the same answer is worked out twice. */
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
      this.#tell();
      this.#probe = setTimeout(() => void this.#ask(), probeEveryMs).unref();
    }
  }

  /** A moment's trouble is not worth a line. */
  #tell(): void {
    if (this.#isOutageLogged || this.#closed) return;
    this.#isOutageLogged = true;
    const reason =
      this.#lastError instanceof Error ? this.#lastError.message : String(this.#lastError);
    this.#internals.logger.warn(
      { reason },
      "the cache is away (REDIS_URL); answers are worked out each time",
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
