import type { Place } from "./records.ts";

/** The outcome of everything before a place. */
export interface Confirmed {
  readonly end: Place;
  readonly accepted: number;
  readonly refused: number;
}

interface Slot extends Confirmed {
  readonly isDone: boolean;
}

/**
 * The batches under way, in the order of the file. They are confirmed in any order; `confirmed`
 * says how far all are.
 */
export class Window {
  #confirmed: Confirmed;
  readonly #slots: Slot[] = [];
  readonly #size: number;
  readonly #running = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | undefined;

  constructor(size: number, start: Confirmed) {
    this.#size = size;
    this.#confirmed = start;
  }

  get confirmed(): Confirmed {
    return this.#confirmed;
  }

  /**
   * Begins the next batch as soon as fewer than `size` are under way. Resolves when it has begun.
   * @param end the place after the batch
   * @throws the error of an earlier batch
   */
  async begin(
    end: Place,
    work: () => Promise<{ readonly accepted: number; readonly refused: number }>,
  ): Promise<void> {
    while (this.#running.size >= this.#size) await Promise.race(this.#running);
    if (this.#failure !== undefined) throw this.#failure.error;
    let slot: Slot = { end, accepted: 0, refused: 0, isDone: false };
    this.#slots.push(slot);
    const running: Promise<void> = work()
      .then(
        (outcome) => {
          const done = { ...slot, ...outcome, isDone: true };
          this.#slots[this.#slots.indexOf(slot)] = done;
          slot = done;
          this.#advance();
        },
        (error: unknown) => {
          this.#failure ??= { error };
        },
      )
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /**
   * Resolves when none is under way.
   * @throws the error of one of them
   */
  async finish(): Promise<void> {
    await Promise.all(this.#running);
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  #advance(): void {
    while (this.#slots[0]?.isDone === true) {
      const { end, accepted, refused } = this.#slots.shift()!;
      this.#confirmed = {
        end,
        accepted: this.#confirmed.accepted + accepted,
        refused: this.#confirmed.refused + refused,
      };
    }
  }
}
