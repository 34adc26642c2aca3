import { randomUUID } from "node:crypto";
import type { Channel, ChannelModel, ConsumeMessage } from "amqplib";
import { answerTimeoutMs, within } from "./channel.ts";

interface SessionOptions {
  readonly queue: string;
  readonly prefetch: number;
  readonly arrived: (message: ConsumeMessage) => void;
  /** Called when the session is useless. */
  readonly broken: (reason: string) => void;
}

/**
 * The consuming side of one connection. Deliveries belong to the session that received them: those
 * that were not acknowledged when it ended are delivered again, by another one.
 */
export class Session {
  readonly #channel: Channel;
  readonly #options: SessionOptions;
  readonly #unacknowledged = new Set<ConsumeMessage>();
  readonly #end = new AbortController();
  #wanted = false;
  #tag: string | null = null;
  #isTurning = false;
  #turned: Promise<void> = Promise.resolve();

  static async open(model: ChannelModel, options: SessionOptions): Promise<Session> {
    const channel = await model.createChannel();
    const session = new Session(channel, options);
    await channel.prefetch(options.prefetch);
    return session;
  }

  private constructor(channel: Channel, options: SessionOptions) {
    this.#channel = channel;
    this.#options = options;
    channel.on("error", ({ message }: Error) => this.#broken(message));
    channel.once("close", () => this.#broken("the channel was closed"));
  }

  /** Aborted when the session has ended, after which nothing can be acknowledged. */
  get ended(): AbortSignal {
    return this.#end.signal;
  }

  /** Deliveries that this session holds and has not settled. */
  get unacknowledged(): ReadonlySet<ConsumeMessage> {
    return this.#unacknowledged;
  }

  /**
   * Starts or stops deliveries. Resolves when the broker has agreed, or the session has ended; of
   * several calls the last one counts.
   */
  async want(deliveries: boolean): Promise<void> {
    this.#wanted = deliveries;
    if (!this.#isTurning) this.#turned = this.#turn();
    await this.#turned;
  }

  acknowledge(message: ConsumeMessage): void {
    if (this.#settle(message)) this.#send(() => this.#channel.ack(message));
  }

  /** The broker may deliver the message again at once, to any consumer. */
  giveBack(message: ConsumeMessage): void {
    if (this.#settle(message)) this.#send(() => this.#channel.nack(message, false, true));
  }

  /**
   * Resolves when the broker has carried out everything before; unsettled messages are given back.
   */
  async close(): Promise<void> {
    if (this.ended.aborted) return;
    this.end();
    await within(answerTimeoutMs, this.#channel.close()).catch(() => undefined);
  }

  /** Notes that the connection is lost. */
  end(): void {
    this.#end.abort();
    this.#unacknowledged.clear();
  }

  async #turn(): Promise<void> {
    this.#isTurning = true;
    try {
      while (!this.ended.aborted && this.#wanted !== (this.#tag !== null)) {
        if (this.#tag === null) {
          const consumerTag = randomUUID();
          const deliver = (message: ConsumeMessage | null) => this.#deliver(message);
          const { queue } = this.#options;
          await within(answerTimeoutMs, this.#channel.consume(queue, deliver, { consumerTag }));
          this.#tag = consumerTag;
        } else {
          await within(answerTimeoutMs, this.#channel.cancel(this.#tag));
          this.#tag = null;
        }
      }
    } catch (error) {
      this.#broken((error as Error).message);
    } finally {
      this.#isTurning = false;
    }
  }

  #deliver(message: ConsumeMessage | null): void {
    if (this.ended.aborted) return;
    if (message === null) {
      this.#broken("the broker ended the deliveries; the queue may be gone");
      return;
    }
    this.#unacknowledged.add(message);
    this.#options.arrived(message);
  }

  #settle(message: ConsumeMessage): boolean {
    return !this.ended.aborted && this.#unacknowledged.delete(message);
  }

  #send(command: () => void): void {
    try {
      command();
    } catch {
      // The channel is closing: the broker takes the message back by itself.
    }
  }

  #broken(reason: string): void {
    if (this.ended.aborted) return;
    this.end();
    this.#options.broken(reason);
  }
}
