import { chunkSize } from "../schema.ts";

/**
 * Keeps the columns of full chunks complete, in the background: one chunk at a time, whenever a
 * chunk's worth of events was stored, and after each question that read events. A failure is tried
 * again at the next of these; until then questions read the events themselves.
 */
export class Shredding {
  readonly #next: () => Promise<boolean>;
  #events = 0;
  #running: Promise<void> | undefined;
  #ended = false;

  /** @param next writes the columns of one chunk, and returns whether there was one */
  constructor(next: () => Promise<boolean>) {
    this.#next = next;
  }

  stored(events: number): void {
    this.#events += events;
    if (this.#events < chunkSize) return;
    this.#events %= chunkSize;
    this.wake();
  }

  wake(): void {
    if (!this.#ended) this.#running ??= this.#run().finally(() => (this.#running = undefined));
  }

  /** Resolves when nothing is under way any more. */
  async close(): Promise<void> {
    this.#ended = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    try {
      while (!this.#ended && (await this.#next()));
    } catch {
      // The store's threads have logged the reason.
    }
  }
}
