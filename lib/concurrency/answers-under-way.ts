import type { ServerResponse } from "node:http";
import { ByteAccount } from "./byte-account.ts";
import { ServiceError, tooMany } from "../errors.ts";

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
