import { ByteAccount } from "../concurrency/byte-account.ts";
import type { Config } from "../config.ts";
import { ServiceError, tooMany } from "../errors.ts";

/** A body that is on its way. */
interface Coming {
  /** Milliseconds of `performance.now()`. */
  readonly startedAt: number;
  receivedBytes: number;
  /** Give it up. */
  fail(error: ServiceError): void;
}

/** How long a body may take whatever its pace. */
const graceMs = 5_000;
const lookEveryMs = 1_000;

/**
 * Bounds what the bodies of all requests together hold in memory until their requests are answered,
 * and gives up those that come too slowly. One caller may hold half of it, so that a storm costs
 * who makes it.
 */
export class Bodies {
  readonly #maxBytes: number;
  readonly #minBytesPerSecond: number;
  readonly #coming = new Set<Coming>();
  readonly #account = new ByteAccount();
  readonly #timer: NodeJS.Timeout;

  constructor({
    maxBodyBytesInFlight,
    minBodyBytesPerSecond,
  }: Pick<Config["http"], "maxBodyBytesInFlight" | "minBodyBytesPerSecond">) {
    this.#maxBytes = maxBodyBytesInFlight;
    this.#minBytesPerSecond = minBodyBytesPerSecond;
    this.#timer = setInterval(() => this.giveUpSlow(performance.now()), lookEveryMs).unref();
  }

  /** What is held for all callers, bytes. */
  get heldBytes(): number {
    return this.#account.heldBytes;
  }

  /** For one request of a caller: holds nothing yet. */
  hold(caller: string): Hold {
    return new Hold(this, caller);
  }

  /** @throws ServiceError OVERLOADED, TOO_MANY_REQUESTS where the caller alone holds its half */
  take(caller: string, bytes: number): void {
    const own = this.#account.heldBy(caller) + bytes;
    if (bytes > 0 && own > this.#maxBytes / 2) {
      const message = "Too many bytes of unanswered requests are under way";
      throw tooMany("bodies_in_flight", message, 1);
    }
    if (bytes > 0 && this.#account.heldBytes + bytes > this.#maxBytes) {
      throw new ServiceError("OVERLOADED", undefined, { retryAfter: 1 });
    }
    this.#account.add(caller, bytes);
  }

  /** Until `forget`: fail it with REQUEST_TOO_SLOW once it comes more slowly than it may. */
  watch(coming: Coming): void {
    this.#coming.add(coming);
  }

  forget(coming: Coming): void {
    this.#coming.delete(coming);
  }

  giveUpSlow(now: number): void {
    for (const coming of this.#coming) {
      const tookMs = now - coming.startedAt;
      if (tookMs < graceMs) continue;
      if (coming.receivedBytes >= (tookMs / 1_000) * this.#minBytesPerSecond) continue;
      const message = `A body must come with at least ${this.#minBytesPerSecond} bytes a second`;
      coming.fail(new ServiceError("REQUEST_TOO_SLOW", message));
    }
  }

  close(): void {
    clearInterval(this.#timer);
  }
}

/** What one request's body holds. */
export class Hold {
  readonly bodies: Bodies;
  readonly #caller: string;
  #bytes = 0;

  constructor(bodies: Bodies, caller: string) {
    this.bodies = bodies;
    this.#caller = caller;
  }

  /**
   * The body holds `sizeBytes` bytes by now.
   * @throws ServiceError OVERLOADED, TOO_MANY_REQUESTS
   */
  grow(toBytes: number): void {
    this.bodies.take(this.#caller, toBytes - this.#bytes);
    this.#bytes = toBytes;
  }

  /** Gives up what the body holds. May be called again. */
  release(): void {
    if (this.#bytes > 0) this.bodies.take(this.#caller, -this.#bytes);
    this.#bytes = 0;
  }
}
