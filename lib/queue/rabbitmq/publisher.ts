import type { ConfirmChannel, Message, Options } from "amqplib";
import { type ErrorType, ServiceError } from "../../errors.ts";
import type { Log } from "../../log.ts";

/** A message with its headers. */
export interface Parcel {
  readonly id: string;
  readonly body: Uint8Array;
  readonly headers: Readonly<Record<string, string | number>>;
}

interface PublisherOptions {
  /** The longest wait for a confirm, milliseconds. */
  readonly confirmTimeoutMs: number;
  readonly log: Log;
  /** Whether the broker has stopped reading. */
  readonly blocked: () => boolean;
  /** Whether a queue that refused a message is about full. */
  readonly isFull: (queue: string) => Promise<boolean>;
  /** Called when the connection is useless. */
  readonly drop: (reason: string) => void;
}

/**
 * With more bytes under way, a broker that has stopped answering would fill this process's memory.
 */
const maxUnconfirmedBytes = 64 * 1_048_576;

interface Sent {
  readonly at: number;
  readonly settle: (failure: ErrorType | null) => void;
}

/** Sends messages until they are confirmed, or fails them. It keeps none for later. */
export class Publisher {
  readonly #options: PublisherOptions;
  readonly #unconfirmed = new Set<Sent>();
  /** How often messages were returned, by id, until their confirms come. */
  readonly #returned = new Map<string, number>();
  #channel: ConfirmChannel | null = null;
  #unconfirmedBytes = 0;
  #full = false;
  #closed = false;
  #heardAt = -Infinity;
  #idle = Promise.withResolvers<void>();

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  attach(channel: ConfirmChannel): void {
    this.#channel = channel;
    channel.on("return", ({ fields, properties }: Message) => {
      const id = String(properties.messageId);
      this.#returned.set(id, (this.#returned.get(id) ?? 0) + 1);
      this.#options.log.error({ queue: fields.routingKey }, "the queue does not exist any more");
    });
    channel.once("close", () => {
      if (this.#channel === channel) this.#options.drop("the channel was closed");
    });
    channel.on("error", ({ message }: Error) => {
      this.#options.log.warn({ reason: message }, "the broker closed the channel");
    });
  }

  /** Notes that the channel is lost. Whether unconfirmed messages are kept is unknown. */
  detach(): void {
    this.#channel = null;
    this.#returned.clear();
    for (const { settle } of [...this.#unconfirmed]) settle("OUTCOME_UNKNOWN");
  }

  /**
   * Resolves when the broker has confirmed that the queue keeps the message.
   * @throws ServiceError `QUEUE_FULL` where the queue's bound refused it; `QUEUE_UNAVAILABLE` at
   * once while the broker is away or takes nothing, and where the queue does not exist;
   * `OUTCOME_UNKNOWN` after `confirmTimeoutMs`, where the connection was lost before the confirm,
   * and where the broker refused a message of a queue that is not full
   */
  send(queue: string, parcel: Parcel): Promise<void> {
    const channel = this.#channel;
    const { byteLength } = parcel.body;
    const overloaded =
      this.#unconfirmedBytes > 0 && this.#unconfirmedBytes + byteLength > maxUnconfirmedBytes;
    if (channel === null || this.#closed || this.#options.blocked() || overloaded) {
      return Promise.reject(new ServiceError("QUEUE_UNAVAILABLE"));
    }
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#late(sent), this.#options.confirmTimeoutMs);
      const sent: Sent = {
        at: performance.now(),
        settle: (failure) => {
          if (!this.#unconfirmed.delete(sent)) return;
          clearTimeout(timer);
          this.#unconfirmedBytes -= byteLength;
          if (this.#unconfirmed.size === 0) this.#idle.resolve();
          if (failure === null) resolve();
          else reject(new ServiceError(failure));
        },
      };
      if (this.#unconfirmed.size === 0) this.#idle = Promise.withResolvers();
      this.#unconfirmed.add(sent);
      this.#unconfirmedBytes += byteLength;
      try {
        channel.sendToQueue(queue, asBuffer(parcel.body), optionsOf(parcel), (error: unknown) => {
          if (isNack(error)) void this.#refused(queue).then(sent.settle);
          else sent.settle(this.#confirmed(parcel.id, error));
        });
      } catch {
        // The channel is closing.
        sent.settle("QUEUE_UNAVAILABLE");
      }
    });
  }

  /** Sends no more from now on. Resolves when everything sent so far is settled. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#unconfirmed.size > 0) await this.#idle.promise;
  }

  #confirmed(id: string, error: unknown): ErrorType | null {
    this.#heardAt = performance.now();
    const returned = this.#returned.get(id) ?? 0;
    if (returned > 0) {
      if (returned === 1) this.#returned.delete(id);
      else this.#returned.set(id, returned - 1);
      // A new connection declares the queues again.
      this.#options.drop("a queue does not exist any more");
      return "QUEUE_UNAVAILABLE";
    }
    if (error !== null) return "OUTCOME_UNKNOWN";
    this.#full = false;
    return null;
  }

  /**
   * The error for a nack. By their declaration the queues refuse messages beyond their bound in
   * this way. The broker knows one other reason: a process of the queue died, and what it kept is
   * unknown.
   */
  async #refused(queue: string): Promise<ErrorType> {
    this.#heardAt = performance.now();
    const isFull = await this.#options.isFull(queue).catch(() => false);
    if (!isFull) {
      this.#options.log.warn(
        { queue },
        "the broker refused a message, though the queue is not full",
      );
      return "OUTCOME_UNKNOWN";
    }
    if (!this.#full) this.#options.log.warn({ queue }, "the queue is full");
    this.#full = true;
    return "QUEUE_FULL";
  }

  #late(sent: Sent): void {
    sent.settle("OUTCOME_UNKNOWN");
    // A broker that is only slow keeps its connection: a new one would add to its load.
    const answersOthers = this.#heardAt >= sent.at;
    if (answersOthers || this.#options.blocked()) return;
    this.#options.drop("the broker did not confirm in time");
  }
}

function optionsOf({ id, headers }: Parcel): Options.Publish {
  return { persistent: true, mandatory: true, messageId: id, headers };
}

function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** Whether the broker refused a message; any other error concerns the channel. */
function isNack(error: unknown): boolean {
  return error !== null && (error as Error).message === "message nacked";
}
