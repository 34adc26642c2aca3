import type { ServerResponse } from "node:http";
import { ServiceError } from "../errors.ts";

/** Bounds what answers hold in memory until their clients have taken them. One caller may hold half of it. */
export class AnswersUnderWay {
  readonly #maxBytes: number;
  readonly #heldBy = new Map<string, number>();
  #held = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** What is held for all callers, bytes. */
  get heldBytes(): number {
    return this.#held;
  }

  /**
   * Whether something may be worked out for a caller: what it takes is not known yet.
   * @throws ServiceError TOO_MANY_REQUESTS where the caller's answers hold their half, OVERLOADED where all hold all of it
   */
  check(caller: string): void {
    this.#refuse(this.#held, this.#heldBy.get(caller) ?? 0);
  }

  /**
   * Hold so many bytes until a response is closed. A single answer may be larger than all that may be held.
   * @throws ServiceError as `check`
   */
  hold(response: ServerResponse, caller: string, bytes: number): void {
    const before = this.#heldBy.get(caller) ?? 0;
    if (before > 0) this.#refuse(this.#held + bytes, before + bytes);
    else if (this.#held > 0) this.#refuse(this.#held + bytes, 0);
    if (response.closed) return;
    this.#add(caller, bytes);
    response.once("close", () => this.#add(caller, -bytes));
  }

  #refuse(held: number, own: number): void {
    if (own >= this.#maxBytes / 2) {
      const message = "Your clients have not taken the answers that are under way";
      throw new ServiceError("TOO_MANY_REQUESTS", message, { retryAfter: 2 });
    }
    if (held >= this.#maxBytes) throw new ServiceError("OVERLOADED", undefined, { retryAfter: 2 });
  }

  #add(caller: string, bytes: number): void {
    this.#held += bytes;
    const own = (this.#heldBy.get(caller) ?? 0) + bytes;
    if (own === 0) this.#heldBy.delete(caller);
    else this.#heldBy.set(caller, own);
  }
}
