import type { Duplex } from "node:stream";
import { AmqpConnectionManagerClass } from "amqp-connection-manager";
import type { ChannelModel } from "amqplib";
import type { Log } from "../../log.ts";
import { within } from "./channel.ts";
import { brokerError } from "../../cluster/rabbitmq-error.ts";

export interface LinkOptions {
  readonly url: string;
  /** The name by which the broker lists the connection. */
  readonly name: string;
  readonly log: Log;
  /**
   * Prepares a new connection, which counts as up once this resolves. Called for each new
   * connection.
   */
  readonly up: (model: ChannelModel) => Promise<void>;
  /** Called when the connection is lost, and with it its channels; also while `up` is under way. */
  readonly down: () => void;
}

const reconnectMs = 500;
const connectTimeoutMs = 5_000;
const upTimeoutMs = 15_000;
const closeTimeoutMs = 2_000;
const heartbeatSeconds = 10;

/** One connection to the broker, replaced whenever it is lost, until it is closed. */
export class Connection {
  readonly #options: LinkOptions;
  readonly #manager: AmqpConnectionManagerClass;
  readonly #destroyed = new WeakSet<ChannelModel>();
  #model: ChannelModel | null = null;
  #blocked: string | null = null;
  #trouble: string | null = null;
  /** The current problem, if it was logged already. */
  #loggedProblem: string | null = null;
  #opening = true;
  #closed = false;
  /** Settles the wait of `open`; later on nobody listens. */
  #first = Promise.withResolvers<void>();

  constructor(options: LinkOptions) {
    this.#options = options;
    const { url, name } = options;
    this.#manager = new AmqpConnectionManagerClass(url, {
      heartbeatIntervalInSeconds: heartbeatSeconds,
      reconnectTimeInSeconds: reconnectMs / 1_000,
      connectionOptions: {
        noDelay: true,
        keepAlive: true,
        timeout: connectTimeoutMs,
        clientProperties: { connection_name: name },
      },
    });
    this.#manager.on("connect", () => void this.#connected());
    this.#manager.on("connectFailed", ({ err }) => this.#failed(err));
    this.#manager.on("disconnect", ({ err }) => this.#lost(err));
    this.#manager.on("blocked", ({ reason }: { reason: string }) => this.#setBlocked(reason));
    this.#manager.on("unblocked", () => this.#setBlocked(null));
    this.#first.promise.catch(() => undefined);
  }

  /**
   * Resolves once the connection is up for the first time, or at the time limit where the obstacle
   * may pass: there is `trouble` then, and it keeps trying.
   * @throws BrokerError at once for lasting obstacles (password, virtual host, differing queues)
   */
  async open(timeoutMs: number): Promise<void> {
    void this.#manager.connect().catch(() => undefined);
    const timer = setTimeout(() => {
      if (this.#trouble === null) this.#failed(new Error("ETIMEDOUT"));
      this.#first.resolve();
    }, timeoutMs);
    try {
      await this.#first.promise;
    } catch (error) {
      await this.close();
      throw error;
    } finally {
      clearTimeout(timer);
      this.#opening = false;
    }
  }

  /** Why nothing can be sent right now; `null` where it can. */
  get trouble(): string | null {
    return this.#trouble ?? this.#blocked;
  }

  /** Whether the broker has stopped reading from this connection: it is short of memory or disk. */
  get blocked(): boolean {
    return this.#blocked !== null;
  }

  /** The connection, while there is one; `up` may still be under way. */
  get model(): ChannelModel | null {
    return this.#model;
  }

  /** Gives up this connection; the next one is made automatically. */
  drop(reason: string): void {
    const connection = this.#manager.connection;
    if (connection !== undefined) this.#destroy(connection, reason);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const connection = this.#manager.connection;
    const closing = this.#manager.close().catch(() => undefined);
    // An attempt to connect that is under way ends by itself, without a closing handshake.
    if (connection !== undefined && !this.#destroyed.has(connection)) {
      await within(closeTimeoutMs, closing).catch((error: Error) => {
        this.#destroy(connection, error.message);
      });
    }
    this.#down();
  }

  async #connected(): Promise<void> {
    const model = this.#manager.connection;
    if (model === undefined) return;
    this.#model = model;
    try {
      await within(upTimeoutMs, this.#options.up(model));
    } catch (error) {
      this.#failed(error);
      this.#destroy(model, "it could not be set up");
      return;
    }
    if (this.#model !== model) return;
    if (this.#loggedProblem !== null) {
      this.#options.log.info({ connection: this.#options.name }, "the broker is back");
    }
    this.#trouble = null;
    this.#loggedProblem = null;
    this.#first.resolve();
  }

  #failed(cause: unknown): void {
    const error = brokerError(this.#options.url, cause);
    if (error.lasting) this.#first.reject(error);
    this.#trouble = error.message;
    const isThrown = error.lasting && this.#opening;
    const isNews =
      this.#loggedProblem === null || (error.lasting && this.#loggedProblem !== error.message);
    if (isThrown || !isNews || this.#closed) return;
    this.#loggedProblem = error.message;
    const { log, name } = this.#options;
    log.warn({ connection: name, reason: error.message }, "the broker is away");
  }

  #lost(cause: unknown): void {
    this.#down();
    this.#failed(cause ?? new Error("the broker ended the connection"));
  }

  #down(): void {
    this.#model = null;
    this.#blocked = null;
    this.#options.down();
  }

  #setBlocked(reason: string | null): void {
    this.#blocked = reason;
    const { log, name } = this.#options;
    if (reason === null) log.info({ connection: name }, "the broker takes messages again");
    else log.warn({ connection: name, reason }, "the broker takes no messages");
  }

  /** Ends a connection without the broker's consent, which a hanging broker would never give. */
  #destroy(model: ChannelModel, reason: string): void {
    this.#destroyed.add(model);
    const { stream } = model.connection as unknown as { readonly stream: Duplex };
    stream.destroy(new Error(reason));
  }
}
