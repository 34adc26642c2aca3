import { chunkSize } from "../schema.ts";

/**
 * Writes missing columns of full chunks in the background, one chunk at a time. It runs whenever a
 * chunk's worth of events was stored, and after each question that read events, and then tries
 * again what failed. Until a chunk has columns, questions read its events.
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

  /** Resolves when no work is running any more. */
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
