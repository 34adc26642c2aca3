import type { ServerResponse } from "node:http";
import { ServiceError, tooMany } from "../errors.ts";

/**
 * Counts how many bytes of memory each owner holds, and all of them together. It refuses nothing:
 * its user decides.
 */
class ByteAccount {
  readonly #heldBy = new Map<string, number>();
  #held = 0;

  /** The bytes that all holders hold together. */
  get heldBytes(): number {
    return this.#held;
  }

  heldBy(owner: string): number {
    return this.#heldBy.get(owner) ?? 0;
  }

  /** @param bytes below 0 where an owner holds less from now on */
  add(owner: string, bytes: number): void {
    this.#held += bytes;
    const own = this.heldBy(owner) + bytes;
    if (own === 0) this.#heldBy.delete(owner);
    else this.#heldBy.set(owner, own);
  }
}

const accounts = new WeakMap<object, AnswersUnderWay>();

/**
 * Bounds the memory that answers hold, from the reading of their events until their clients have
 * taken them. One project may hold half of it.
 */
export class AnswersUnderWay {
  readonly #maxBytes: number;
  readonly #account = new ByteAccount();

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /**
   * Returns the account that all services of a broker share: services that make answers and
   * services that send them may run in one process.
   */
  static of(broker: object, maxBytes: number): AnswersUnderWay {
    const known = accounts.get(broker) ?? new AnswersUnderWay(maxBytes);
    accounts.set(broker, known);
    return known;
  }

  /** The bytes that answers of all projects hold. */
  get heldBytes(): number {
    return this.#account.heldBytes;
  }

  /**
   * Checks that there is room for one more answer of a project, whose size is not known yet.
   * @throws ServiceError TOO_MANY_REQUESTS where the project's answers hold their half, OVERLOADED
   *   where all answers hold everything
   */
  check(project: string): void {
    this.#refuse(this.#account.heldBytes, this.#account.heldBy(project));
  }

  /**
   * Does work that takes at most `bytes` bytes, and counts these as held meanwhile.
   * @throws ServiceError as `check`
   */
  async make<T>(project: string, bytes: number, work: () => Promise<T>): Promise<T> {
    this.check(project);
    this.#account.add(project, bytes);
    try {
      return await work();
    } finally {
      this.#account.add(project, -bytes);
    }
  }

  /**
   * Counts bytes as held until a response is closed. A single answer may be larger than the bound.
   * @throws ServiceError as `check`
   */
  hold(response: ServerResponse, project: string, bytes: number): void {
    const own = this.#account.heldBy(project);
    const held = this.#account.heldBytes;
    if (held > 0) this.#refuse(held + bytes, own > 0 ? own + bytes : 0);
    if (response.closed) return;
    this.#account.add(project, bytes);
    response.once("close", () => this.#account.add(project, -bytes));
  }

  #refuse(held: number, own: number): void {
    if (own >= this.#maxBytes / 2) {
      const message = "Your clients have not taken the answers that are under way";
      throw tooMany("answers_under_way", message, 2);
    }
    if (held >= this.#maxBytes) throw new ServiceError("OVERLOADED", undefined, { retryAfter: 2 });
  }
}

/** A body that is being received. */
interface Coming {
  /** Milliseconds of `performance.now()`. */
  readonly startedAt: number;
  receivedBytes: number;
  /** Ends the receiving with an error. */
  fail(error: ServiceError): void;
}

interface BodyLimits {
  readonly maxBodyBytesInFlight: number;
  readonly minBodyBytesPerSecond: number;
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

  constructor({ maxBodyBytesInFlight, minBodyBytesPerSecond }: BodyLimits) {
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
