import { ByteAccount } from "../concurrency/byte-account.ts";
import type { Config } from "../config.ts";
import { ServiceError, tooMany } from "../errors.ts";

/** A body that is being received. */
interface Coming {
  /** Milliseconds of `performance.now()`. */
  readonly startedAt: number;
  receivedBytes: number;
  /** Ends the receiving with an error. */
  fail(error: ServiceError): void;
}

/** How long any body may take before its pace counts. */
const graceMs = 5_000;
const lookEveryMs = 1_000;

/**
 * Bounds the memory that the bodies of all requests hold until their requests are answered, and
 * refuses bodies that come too slowly. One caller may hold half of the memory, so that a storm hits
 * only its sender.
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

  /** The bytes that all callers hold. */
  get heldBytes(): number {
    return this.#account.heldBytes;
  }

  /** Opens an account for one request of a caller; it holds nothing yet. */
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

  /** Fails a body with REQUEST_TOO_SLOW once it comes too slowly, until `forget`. */
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

/** The memory that one request's body holds. */
export class Hold {
  readonly bodies: Bodies;
  readonly #caller: string;
  #bytes = 0;

  constructor(bodies: Bodies, caller: string) {
    this.bodies = bodies;
    this.#caller = caller;
  }

  /**
   * Notes that the body now holds `toBytes` bytes.
   * @throws ServiceError OVERLOADED, TOO_MANY_REQUESTS
   */
  grow(toBytes: number): void {
    this.bodies.take(this.#caller, toBytes - this.#bytes);
    this.#bytes = toBytes;
  }

  /** Releases everything that the body holds. May be called again. */
  release(): void {
    if (this.#bytes > 0) this.bodies.take(this.#caller, -this.#bytes);
    this.#bytes = 0;
  }
}
