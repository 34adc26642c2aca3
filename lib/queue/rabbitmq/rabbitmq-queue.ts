import type { ChannelModel } from "amqplib";
import { FreshAnswer } from "../../concurrency/coalesce.ts";
import { silent, type Log } from "../../log.ts";
import {
  publishTimeoutMs,
  retryDelaysMs,
  type Consumer,
  type DurableQueue,
  type Handler,
  type OutgoingMessage,
  type QueueDepth,
} from "../queue.ts";
import { BrokerLock } from "./broker-lock.ts";
import { QuestionChannel, waitingIn } from "./channel.ts";
import { RabbitConsumer } from "./consumer.ts";
import { RabbitDeadLetters } from "./dead-letters.ts";
import { MeanSize, measure } from "./depth.ts";
import { Connection } from "./connection.ts";
import { firstAttempt } from "./message.ts";
import { Publisher } from "./publisher.ts";
import { declare, type Topology, topologyOf } from "./topology.ts";

export interface RabbitOptions {
  /** `amqp://user:password@host:port/vhost`, or `amqps:`. */
  readonly url: string;
  /** The prefix of the queues' names. */
  readonly prefix?: string;
  /** The bound on the bodies of waiting messages. */
  readonly maxBytes: number;
  /** Quorum queues (the default), which keep every confirmed message; else classic ones. */
  readonly quorum?: boolean;
  readonly retryDelaysMs?: readonly number[];
  /** How long `open` waits for the broker. */
  readonly openTimeoutMs?: number;
  readonly confirmTimeoutMs?: number;
  readonly log?: Log;
}

/**
 * The durable queue on RabbitMQ 3.10 or later. A message is kept when the broker has confirmed it:
 * a quorum queue then has it on the disks of a majority of its nodes.
 * There are two connections, so that a broker that accepts no messages still delivers them and
 * takes acknowledgements. Both reconnect automatically. While they are away, publishes throw
 * `QUEUE_UNAVAILABLE` at once and no message is kept in memory; the consumer continues when the
 * broker is back, and unacknowledged messages are delivered again.
 */
export class RabbitQueue implements DurableQueue {
  readonly dead: RabbitDeadLetters;
  readonly #options: Required<RabbitOptions>;
  readonly #topology: Topology;
  readonly #publishing: Connection;
  readonly #consuming: Connection;
  readonly #publisher: Publisher;
  readonly #channel: QuestionChannel;
  readonly #mean = new MeanSize();
  readonly #depth = new FreshAnswer(() => this.#measure());
  readonly #isFull = new FreshAnswer(() => this.#measureFullness());
  #consumer: RabbitConsumer | null = null;

  /**
   * Connects and creates missing queues. Resolves even where the broker cannot be reached in time:
   * there is `trouble` then until it can.
   * @throws BrokerError, which names RABBITMQ_URL, where the broker refuses the user or the virtual
   *   host, or has one of the queues with other properties
   */
  static async open(options: RabbitOptions): Promise<RabbitQueue> {
    const queue = new RabbitQueue(options);
    const until = performance.now() + queue.#options.openTimeoutMs;
    try {
      for (const link of [queue.#publishing, queue.#consuming]) {
        await link.open(Math.max(0, until - performance.now()));
      }
      return queue;
    } catch (error) {
      await queue.close();
      throw error;
    }
  }

  private constructor(options: RabbitOptions) {
    this.#options = {
      prefix: "analytics.events",
      quorum: true,
      retryDelaysMs,
      openTimeoutMs: 10_000,
      confirmTimeoutMs: publishTimeoutMs,
      log: silent,
      ...options,
    };
    const { url, prefix, log, confirmTimeoutMs } = this.#options;
    this.#topology = topologyOf(this.#options);
    this.#publisher = new Publisher({
      confirmTimeoutMs,
      log,
      blocked: () => this.#publishing.blocked,
      isFull: async (name) => name === this.#topology.raw && this.#isFull.ask(),
      drop: (reason) => this.#publishing.drop(reason),
    });
    const declared = (model: ChannelModel) => declare(model, this.#topology);
    this.#publishing = new Connection({
      url,
      log,
      name: `${prefix} publishing`,
      up: async (model) => {
        await declared(model);
        this.#publisher.attach(await model.createConfirmChannel());
      },
      down: () => this.#publisher.detach(),
    });
    this.#consuming = new Connection({
      url,
      log,
      name: `${prefix} consuming`,
      up: async (model) => {
        await declared(model);
        await this.#consumer?.attach(model);
      },
      down: () => this.#consumer?.detach(),
    });
    const model = () => this.#consuming.model;
    this.#channel = new QuestionChannel(model, declared);
    this.dead = new RabbitDeadLetters(this.#topology, this.#publisher, {
      channel: new QuestionChannel(model, declared),
      lock: new BrokerLock(`${this.#topology.dead}.look`, model),
    });
  }

  /** Why no message can be made durable right now; `null` while all is well. */
  get trouble(): string | null {
    return this.#publishing.trouble;
  }

  /** The body must not change until this is settled. */
  async publish(message: OutgoingMessage): Promise<void> {
    this.#mean.add(message.body.byteLength);
    await this.#publisher.send(this.#topology.raw, firstAttempt(message));
  }

  async consume(handle: Handler, options: { readonly prefetch: number }): Promise<Consumer> {
    if (this.#consumer !== null && !this.#consumer.stopped) {
      throw new Error("this queue has a consumer already");
    }
    const consumer = new RabbitConsumer({
      handle,
      prefetch: options.prefetch,
      topology: this.#topology,
      publisher: this.#publisher,
      log: this.#options.log,
      drop: (reason) => this.#consuming.drop(reason),
      seen: (sizeBytes) => this.#mean.add(sizeBytes),
    });
    this.#consumer = consumer;
    try {
      const model = this.#consuming.model;
      if (model !== null) await consumer.attach(model);
    } catch (error) {
      // The next connection attaches the consumer.
      this.#consuming.drop((error as Error).message);
    }
    return consumer;
  }

  /**
   * `measure` says what each figure covers. A slow broker is not asked more often than it answers:
   * callers of that time share the next answer.
   */
  depth(): Promise<QueueDepth> {
    return this.#depth.ask();
  }

  async #measure(): Promise<QueueDepth> {
    const measured = await this.#channel.ask((channel) =>
      measure(channel, this.#topology, () => this.#consumer?.unacknowledged ?? null, this.#mean),
    );
    const dead = await this.dead.count();
    return { ...measured, maxBytes: this.#options.maxBytes, dead };
  }

  /**
   * The broker reports how many messages wait, not their size: half of the bound, by their mean
   * size, counts as full.
   */
  async #measureFullness(): Promise<boolean> {
    const { messages } = await this.#channel.ask((channel) =>
      waitingIn(channel, this.#topology.raw),
    );
    return messages * this.#mean.sizeBytes >= this.#options.maxBytes / 2;
  }

  /**
   * Publishes under way are settled first. Handlers under way are not awaited: stop the consumer
   * before.
   */
  async close(): Promise<void> {
    await this.#publisher.close();
    this.#publisher.detach();
    await Promise.all([this.#publishing.close(), this.#consuming.close()]);
  }
}
