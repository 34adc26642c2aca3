import type { ServerResponse } from "node:http";
import { ByteAccount } from "./byte-account.ts";
import { ServiceError, tooMany } from "../errors.ts";

const accounts = new WeakMap<object, AnswersUnderWay>();

/**
 * Bounds what answers hold in memory, from when their events are read until their clients have
 * taken them. One project may hold half of it.
 */
export class AnswersUnderWay {
  readonly #maxBytes: number;
  readonly #account = new ByteAccount();

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /**
   * The account that all services of a broker share, those that make answers and those that send
   * them, where both are in one process.
   */
  static of(broker: object, maxBytes: number): AnswersUnderWay {
    const known = accounts.get(broker) ?? new AnswersUnderWay(maxBytes);
    accounts.set(broker, known);
    return known;
  }

  /** What is held for all projects, bytes. */
  get heldBytes(): number {
    return this.#account.heldBytes;
  }

  /**
   * Whether something may be worked out for a project: what it takes is not known yet.
   * @throws ServiceError TOO_MANY_REQUESTS where the project's answers hold their half, OVERLOADED
   * where all hold all of it
   */
  check(project: string): void {
    this.#refuse(this.#account.heldBytes, this.#account.heldBy(project));
  }

  /**
   * Does work that takes at most `sizeBytes` bytes, which are counted as held meanwhile.
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
   * Hold so many bytes until a response is closed. A single answer may be larger than all that may
   * be held.
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
