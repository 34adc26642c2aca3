import { setTimeout as sleep } from "node:timers/promises";
import type { Channel, ChannelModel, GetMessage } from "amqplib";
import { ServiceError } from "../../errors.ts";

/** The longest wait for the broker's answer to one question, milliseconds. */
export const answerTimeoutMs = 5_000;

/** Settles as `promise` does, or rejects where it does not settle in time. */
export async function within<T>(timeoutMs: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("the broker did not answer in time")), timeoutMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Asks the broker one question after the other, on a channel that is replaced after a failure. */
export class QuestionChannel {
  readonly #model: () => ChannelModel | null;
  readonly #declare: (model: ChannelModel) => Promise<void>;
  #open: { readonly model: ChannelModel; readonly channel: Channel } | null = null;
  #last: Promise<unknown> = Promise.resolve();

  /** @param declare creates missing queues: a question about a missing one fails */
  constructor(model: () => ChannelModel | null, declare: (model: ChannelModel) => Promise<void>) {
    this.#model = model;
    this.#declare = declare;
  }

  /**
   * Does some work alone on the channel. Where it fails, messages that it took and did not settle
   * are given back.
   * @throws ServiceError `QUEUE_UNAVAILABLE` where the broker is away or does not answer, and any
   *   ServiceError of the work
   */
  ask<T>(work: (channel: Channel) => Promise<T>): Promise<T> {
    const answer = this.#last.then(() => this.#ask(work));
    this.#last = answer.catch(() => undefined);
    return answer;
  }

  async #ask<T>(work: (channel: Channel) => Promise<T>): Promise<T> {
    const model = this.#model();
    if (model === null) throw new ServiceError("QUEUE_UNAVAILABLE");
    try {
      if (this.#open?.model !== model) {
        this.#open = { model, channel: await within(answerTimeoutMs, this.#fresh(model)) };
      }
      return await work(this.#open.channel);
    } catch (error) {
      const channel = this.#open?.channel;
      this.#open = null;
      void channel?.close().catch(() => undefined);
      throw error instanceof ServiceError ? error : new ServiceError("QUEUE_UNAVAILABLE");
    }
  }

  async #fresh(model: ChannelModel): Promise<Channel> {
    await this.#declare(model);
    const channel = await model.createChannel();
    channel.on("error", () => {
      // The question that the error belongs to is rejected.
    });
    return channel;
  }
}

/** How many messages wait in a queue, without those that a consumer holds. */
export async function waitingIn(
  channel: Channel,
  queue: string,
): Promise<{ readonly messages: number; readonly consumers: number }> {
  const answer = await within(answerTimeoutMs, channel.checkQueue(queue));
  return { messages: answer.messageCount, consumers: answer.consumerCount };
}

/** Takes the next waiting message of a queue; `null` where none waits. */
export async function take(channel: Channel, queue: string): Promise<GetMessage | null> {
  return (await within(answerTimeoutMs, channel.get(queue))) || null;
}

/**
 * The longest wait for a quorum queue to count messages again that were given back, milliseconds.
 */
const countTimeoutMs = 250;

/**
 * Gives back all messages that were taken on this channel, and waits until the queue counts them
 * again, which takes a quorum queue some milliseconds. It does not wait long: another process may
 * take them, or their delay may end.
 * @param messages how many should wait in the queue then
 */
export async function giveAllBack(
  channel: Channel,
  queue: string,
  messages: number,
): Promise<void> {
  channel.nackAll(true);
  const until = performance.now() + countTimeoutMs;
  while ((await waitingIn(channel, queue)).messages < messages && performance.now() < until) {
    await sleep(2);
  }
}
