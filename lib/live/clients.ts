import { ServiceError, tooMany } from "../errors.ts";
import type { SseClient } from "./client.ts";

interface Owner {
  readonly project: string;
}

const retryAfter = 5;

/**
 * The open clients of all live answers of one gateway, each with whose it is. One project may have
 * half of them.
 */
export class LiveClients<O extends Owner> {
  readonly #max: number;
  readonly #mostOfOne: number;
  readonly #owners = new Map<SseClient, O>();
  readonly #counts = new Map<string, number>();

  /** @param max how many there may be, of all projects; one project may have half, rounded up */
  constructor(max: number) {
    this.#max = max;
    this.#mostOfOne = Math.ceil(max / 2);
  }

  get size(): number {
    return this.#owners.size;
  }

  /**
   * Checks that there is room for one more client of a project.
   * @throws ServiceError TOO_MANY_REQUESTS where the project has its half, OVERLOADED where all
   *   together have everything
   */
  check(project: string): void {
    if ((this.#counts.get(project) ?? 0) >= this.#mostOfOne) {
      const message = "Your project has as many live clients here as one project may have";
      throw tooMany("live_clients", message, retryAfter);
    }
    if (this.size < this.#max) return;
    const message = "This gateway has as many live clients as it takes";
    throw new ServiceError("OVERLOADED", message, { retryAfter });
  }

  add(client: SseClient, owner: O): void {
    this.#owners.set(client, owner);
    this.#count(owner.project, 1);
  }

  delete(client: SseClient): void {
    const owner = this.#owners.get(client);
    if (owner === undefined) return;
    this.#owners.delete(client);
    this.#count(owner.project, -1);
  }

  [Symbol.iterator](): Iterator<readonly [SseClient, O]> {
    return this.#owners[Symbol.iterator]();
  }

  #count(project: string, more: number): void {
    const count = (this.#counts.get(project) ?? 0) + more;
    if (count === 0) this.#counts.delete(project);
    else this.#counts.set(project, count);
  }
}
