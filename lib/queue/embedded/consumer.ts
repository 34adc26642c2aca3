import type { Consumer, Handler, Outcome } from "../queue.ts";
import type { PushedDelivery, Settlement } from "./protocol.ts";

/** What a consumer asks of the queue's thread. */
interface Source {
  /** Sets how many deliveries may be under way from now on. */
  demand(deliveries: number): void;
  settle(settlement: Settlement): void;
  /**
   * Resolves once every outcome so far is written; at once while that is impossible, since the
   * messages come again.
   */
  settled(): Promise<void>;
}

/** Runs the handler on deliveries as they arrive, `prefetch` at a time. */
export class EmbeddedConsumer implements Consumer {
  readonly #handle: Handler;
  readonly #prefetch: number;
  readonly #source: Source;
  readonly #arrived: PushedDelivery[] = [];
  #running = 0;
  /** Counts the threads: outcomes for deliveries of a lost thread are not sent to the next one. */
  #generation = 0;
  #paused = false;
  #stopped: PromiseWithResolvers<void> | null = null;

  constructor(handle: Handler, prefetch: number, source: Source) {
    this.#handle = handle;
    this.#prefetch = prefetch;
    this.#source = source;
    source.demand(prefetch);
  }

  get stopped(): boolean {
    return this.#stopped !== null;
  }

  pause(): void {
    this.#paused = true;
    if (!this.stopped) this.#source.demand(0);
  }

  resume(): void {
    this.#paused = false;
    if (this.stopped) return;
    this.#source.demand(this.#prefetch);
    this.#next();
  }

  async stop(): Promise<void> {
    if (this.#stopped === null) {
      this.#stopped = Promise.withResolvers();
      this.#source.demand(0);
      for (const { id } of this.#arrived.splice(0)) this.#giveBack(id);
      if (this.#running === 0) this.#stopped.resolve();
    }
    await this.#stopped.promise;
    await this.#source.settled();
  }

  arrive(deliveries: readonly PushedDelivery[]): void {
    if (this.stopped) for (const { id } of deliveries) this.#giveBack(id);
    else this.#arrived.push(...deliveries);
    this.#next();
  }

  /** The thread was lost: deliveries that were not begun come again. */
  lost(): void {
    this.#generation += 1;
    this.#arrived.length = 0;
  }

  #next(): void {
    while (!this.#paused && this.#running < this.#prefetch) {
      const delivery = this.#arrived.shift();
      if (delivery === undefined) return;
      void this.#run(delivery);
    }
  }

  async #run({ id, ...delivery }: PushedDelivery): Promise<void> {
    const generation = this.#generation;
    this.#running += 1;
    const outcome = await this.#outcome(delivery);
    this.#running -= 1;
    if (outcome.status === "hold") this.pause();
    if (generation === this.#generation) this.#source.settle({ id, outcome });
    if (this.stopped && this.#running === 0) this.#stopped?.resolve();
    this.#next();
  }

  async #outcome(delivery: Omit<PushedDelivery, "id">): Promise<Outcome> {
    try {
      return await this.#handle(delivery);
    } catch (error) {
      const { message } = (error ?? {}) as { message?: unknown };
      return { status: "retry", reason: typeof message === "string" ? message : String(error) };
    }
  }

  #giveBack(id: number): void {
    this.#source.settle({ id, outcome: { status: "unread" } });
  }
}
