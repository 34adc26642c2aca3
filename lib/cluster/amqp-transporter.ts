import { setTimeout as delay } from "node:timers/promises";
import type { Channel, ChannelModel, ConsumeMessage, Message } from "amqplib";
import { Errors, Transporters, type Logger, type ServiceBroker, type Transit } from "moleculer";
import { maxMessageBytes } from "../call-limits.ts";
import { messageTooLarge, ServiceError } from "../errors.ts";
import { hide } from "./hide.ts";
import { brokerError } from "./rabbitmq-error.ts";

const retryMs = 1_000;
const connectTimeoutMs = 5_000;

/** The connection counts as lost after two of these intervals without a frame. */
const heartbeatSeconds = 10;

/** Members of Moleculer's classes that their types leave out. */
interface Internals {
  readonly connection: ChannelModel;
  readonly broker: ServiceBroker;
  readonly transit: Transit & {
    logger: Logger;
    /**
     * Set while queues are being subscribed to: packets sent meanwhile wait for it, and fail with
     * it.
     */
    subscribing?: Promise<unknown> | null;
    removePendingRequestByNodeID(nodeID: string): void;
  };
  logger: Logger;
}

/** What Moleculer sends with the bytes of a packet; `payload` is that of an answer. */
interface Sent {
  readonly packet: {
    readonly type: string;
    readonly target: string;
    readonly payload: {
      readonly id: string;
      readonly meta: Record<string, unknown>;
      readonly headers: Record<string, unknown>;
    };
  };
}

type Connect = (onLost: (error: unknown) => void) => Promise<void>;

/**
 * Moleculer's AMQP transporter, set up for many requests at a time and for nodes that come and go:
 * nothing of a node stays on the broker longer than a minute after its death. It connects again by
 * itself, every second, and says so once when the broker is away and once when it is back. Requests
 * that were under way when the connection was lost are refused then, not at their time limit.
 *
 * A broker that refuses the user or the virtual host at the first connection ends the process with
 * code 1; one that cannot be reached is waited for.
 */
export class ClusterTransporter extends Transporters.AMQP {
  readonly #url: string;
  #hasBeenConnected = false;
  #away = false;
  #stopped = false;

  /** @param url `amqp:` or `amqps:`; its query may name `heartbeat` in seconds */
  constructor(url: string) {
    super({
      url: withHeartbeat(url),
      // The defaults would be one request at a time, and Nagle's algorithm: together 20 requests a
      // second.
      prefetch: 100,
      socketOptions: { noDelay: true, keepAlive: true, timeout: connectTimeoutMs },
      eventTimeToLive: 5_000,
      heartbeatTimeToLive: 5_000,
      autoDeleteQueues: 60_000,
    } as ConstructorParameters<typeof Transporters.AMQP>[0]);
    hide(this.opts, "url");
    this.#url = url;
    let channel: Channel | null = null;
    Object.defineProperty(this, "channel", {
      get: () => channel,
      set: (opened: Channel | null) => {
        channel = opened;
        if (opened === null) return;
        heedPrefetch(opened);
        settleOwn(opened);
        // Moleculer connects again only where the connection is lost, and a node without a channel
        // neither sends nor hears anything.
        const { connection } = this.#internals;
        opened.once("close", () => {
          if (!this.#stopped) void closed(connection);
        });
      },
    });
  }

  get #internals(): Internals {
    return this;
  }

  override init(...args: Parameters<Transporters.AMQP["init"]>): void {
    super.init(...args);
    const internals = this.#internals;
    internals.logger = quieted(internals.logger, "AMQP");
    const { transit } = internals;
    transit.logger = quieted(transit.logger, "Unable to send");
    const subscribe = transit.makeSubscriptions.bind(transit);
    // Otherwise the client's error about a lost connection would reach whoever sends something.
    transit.makeSubscriptions = () => {
      const subscribing = subscribe().catch(() => {
        throw disconnected();
      });
      transit.subscribing = subscribing;
      return subscribing;
    };
  }

  /** Resolves once connected, however long that takes. */
  override async connect(): Promise<void> {
    const connect = super.connect.bind(this) as Connect;
    while (!this.#stopped) {
      try {
        await connect((error) => void this.#lost(error));
        return this.#connected();
      } catch (error) {
        this.#failed(error);
      }
      await delay(retryMs, undefined, { ref: !this.#stopped });
    }
  }

  override async disconnect(): Promise<void> {
    this.#stopped = true;
    await super.disconnect();
  }

  /**
   * In place of an answer that is too large the caller gets QUERY_TOO_EXPENSIVE.
   * @throws ServiceError TOO_LARGE for a request that is too large; BrokerDisconnectedError, which
   *   callers may retry, where the channel is closing or gone
   */
  override async send(...args: Parameters<Transporters.AMQP["send"]>): Promise<void> {
    const { channel } = this as { readonly channel: unknown };
    if (channel === null) throw disconnected();
    const [, { length }, { packet }] = args as unknown as readonly [string, Buffer, Sent];
    if (length > maxMessageBytes && packet.type === "REQ") throw requestTooLarge(length);
    if (length > maxMessageBytes && packet.type === "RES") {
      const { id, meta, headers } = packet.payload;
      const refusal = new ServiceError("QUERY_TOO_EXPENSIVE", tooLarge(length));
      await this.#internals.transit.sendResponse(packet.target, id, meta, headers, {}, refusal);
      return;
    }
    try {
      await super.send(...args);
    } catch {
      throw disconnected();
    }
  }

  /** Moleculer does not wait for this. Where it fails the event is lost; events may be lost. */
  override async publishBalancedEvent(
    ...args: Parameters<Transporters.AMQP["publishBalancedEvent"]>
  ): Promise<void> {
    await Promise.resolve(super.publishBalancedEvent(...args)).catch(() => undefined);
  }

  #connected(): void {
    if (this.#away) this.#internals.broker.logger.info({}, "the message broker is back");
    this.#away = false;
    this.#hasBeenConnected = true;
  }

  async #lost(error: unknown): Promise<void> {
    if (this.#stopped) return;
    this.#failed(error ?? new Error("the broker ended the connection"));
    const { broker, transit } = this.#internals;
    const nodes = broker.registry.getNodeList({ onlyAvailable: false, withServices: false });
    for (const { id } of nodes as unknown as readonly { readonly id: string }[]) {
      transit.removePendingRequestByNodeID(id);
    }
    await this.connect();
  }

  #failed(cause: unknown): void {
    const { broker } = this.#internals;
    const { message, lasting } = brokerError(this.#url, cause);
    if (lasting && !this.#hasBeenConnected) broker.fatal(message, undefined, true);
    if (this.#away || this.#stopped) return;
    this.#away = true;
    broker.logger.warn({ reason: message }, "the message broker is away");
  }
}

/**
 * Sets the prefetch and handles its rejection. Moleculer does not wait for the answer; if the
 * connection is lost before, an unhandled rejection would end the process. The connection's `close`
 * reports the loss.
 */
function heedPrefetch(channel: Channel): void {
  const prefetch = channel.prefetch.bind(channel);
  channel.prefetch = (...args) => {
    const answer = prefetch(...args);
    answer.catch(() => undefined);
    return answer;
  };
}

/**
 * Lets a channel settle only the messages that it delivered. Moleculer acknowledges a request on
 * its current channel. After a lost connection that is a new channel, and the broker closes a
 * channel that settles an unknown message (406 PRECONDITION_FAILED). The broker delivers such a
 * request again.
 */
function settleOwn(channel: Channel): void {
  const own = new WeakSet<Message>();
  const consume = channel.consume.bind(channel);
  const ack = channel.ack.bind(channel);
  const nack = channel.nack.bind(channel);
  channel.consume = (queue, take, options) => {
    const taken = (message: ConsumeMessage | null) => {
      // The broker has removed the queue.
      if (message === null) return void channel.close().catch(() => undefined);
      own.add(message);
      take(message);
    };
    return consume(queue, taken, options);
  };
  channel.ack = (message, ...rest) => {
    if (own.has(message)) ack(message, ...rest);
  };
  channel.nack = (message, ...rest) => {
    if (own.has(message)) nack(message, ...rest);
  };
}

/** Closes a connection unless it is closed. */
async function closed(connection: ChannelModel): Promise<void> {
  try {
    await connection.close();
  } catch {
    // It was.
  }
}

function tooLarge(bytes: number): string {
  const mebibytes = (size: number) => (size / 1_048_576).toFixed(1);
  return `the answer has ${mebibytes(bytes)} MiB, and at most ${mebibytes(maxMessageBytes)} are sent within a cluster: ask for fewer rows or shorter values`;
}

function requestTooLarge(bytes: number): ServiceError {
  return messageTooLarge(
    `as JSON between nodes it has ${bytes} bytes, and may have ${maxMessageBytes}: send less at a time`,
  );
}

function disconnected(): Error {
  return new Errors.BrokerDisconnectedError("The message broker is away");
}

function withHeartbeat(url: string): string {
  const parsed = new URL(url);
  if (!parsed.searchParams.has("heartbeat")) {
    parsed.searchParams.set("heartbeat", String(heartbeatSeconds));
  }
  return parsed.href;
}

/**
 * Moves the client's lines to the debug level: several for each attempt to connect, and one for
 * each packet meanwhile.
 */
function quieted(logger: Logger, beginning: string): Logger {
  const quiet = Object.create(logger) as Logger;
  for (const level of ["error", "warn", "info"] as const) {
    quiet[level] = (...args: unknown[]) => {
      const quietly = typeof args[0] === "string" && args[0].startsWith(beginning);
      logger[quietly ? "debug" : level](...args);
    };
  }
  return quiet;
}
