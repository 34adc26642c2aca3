import { setTimeout as sleep } from "node:timers/promises";
import type { Channel, ChannelModel } from "amqplib";
import { ServiceError } from "../../errors.ts";
import { answerTimeoutMs, within } from "./channel.ts";

const tryEveryMs = 50;

/** The longest wait for another process, milliseconds. */
const waitMs = 5_000;

/** How long a caller is told to wait before it asks again, seconds. */
const retryAfter = 2;

/**
 * Lets one process at a time do something. The lock is an exclusive queue, which the broker deletes
 * when the connection of its owner ends. Calls on one connection do not exclude each other.
 */
export class BrokerLock {
  readonly #name: string;
  readonly #model: () => ChannelModel | null;

  /** @param name the queue's */
  constructor(name: string, model: () => ChannelModel | null) {
    this.#name = name;
    this.#model = model;
  }

  /**
   * @throws ServiceError `OVERLOADED` where another process has the lock all the time,
   *   `QUEUE_UNAVAILABLE` where the broker is away or does not answer, and what `work` throws
   */
  async hold<T>(work: () => Promise<T>): Promise<T> {
    const channel = await this.#taken();
    try {
      return await work();
    } finally {
      await release(channel, this.#name);
    }
  }

  async #taken(): Promise<Channel> {
    const until = performance.now() + waitMs;
    for (;;) {
      const channel = await this.#tryOnce();
      if (channel !== undefined) return channel;
      if (performance.now() >= until) {
        throw new ServiceError("OVERLOADED", "Others look through the dead letters right now", {
          retryAfter,
        });
      }
      await sleep(tryEveryMs);
    }
  }

  /** @returns a channel that has the lock, or `undefined` where another process has it */
  async #tryOnce(): Promise<Channel | undefined> {
    const model = this.#model();
    if (model === null) throw new ServiceError("QUEUE_UNAVAILABLE");
    try {
      const channel = await within(answerTimeoutMs, model.createChannel());
      channel.on("error", () => {
        // The rejected call reports the error.
      });
      await within(
        answerTimeoutMs,
        channel.assertQueue(this.#name, { exclusive: true, durable: false }),
      );
      return channel;
    } catch (error) {
      if (/\b405\b/.test((error as Error).message)) return undefined;
      throw new ServiceError("QUEUE_UNAVAILABLE");
    }
  }
}

/** Never rejects: a lock that cannot be given back ends with the connection. */
async function release(channel: Channel, name: string): Promise<void> {
  try {
    await within(answerTimeoutMs, channel.deleteQueue(name));
    await within(answerTimeoutMs, channel.close());
  } catch {
    // The connection is lost, or the next look of this process gives it back.
  }
}
