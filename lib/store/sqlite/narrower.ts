import { setTimeout as delay } from "node:timers/promises";
import type { Log } from "../../log.ts";
import { pacedBy } from "../pace.ts";
import type { Narrowing } from "./narrow.ts";

/** The events of one transaction: some 20 ms of the writer. */
const eventsAtOnce = 500;

/** How long it rests after each, as a multiple of what it took, so that storing goes on. */
const restFactor = 4;

/** How long it waits where the file cannot be used. */
const retryMs = 1_000;

/** It tells how far it is each time that so large a share of the file is done. */
const tellEvery = 0.1;

/** Narrows the events of an earlier version in the background, once for each file. */
export class Narrower {
  readonly #narrow: (limit: number) => Promise<Narrowing>;
  readonly #log: Log;
  #running: Promise<void> | undefined;
  #isEnding = false;

  /** @param narrow narrows some events, and returns how far it came */
  constructor(narrow: (limit: number) => Promise<Narrowing>, log: Log) {
    this.#narrow = narrow;
    this.#log = log;
  }

  start(): void {
    if (!this.#isEnding) this.#running ??= this.#run();
  }

  /** Resolves when nothing is running any more; the next start goes on where this one ended. */
  async close(): Promise<void> {
    this.#isEnding = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    const paced = pacedBy(restFactor, () => this.#isEnding);
    let told = -Infinity;
    while (!this.#isEnding) {
      try {
        const { next, last } = await paced(() => this.#narrow(eventsAtOnce));
        const share = next / (last + 1);
        if (share >= 1 || share >= told + tellEvery) {
          told = share;
          const percent = Math.floor(100 * share);
          this.#log.info(
            { percent },
            "events of an earlier version are brought to this one's form",
          );
        }
        if (share >= 1) return;
      } catch {
        // The writer has logged the reason.
        await delay(retryMs);
      }
    }
  }
}
