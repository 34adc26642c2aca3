import { ServiceError } from "../../errors.ts";
import type { PushedDelivery, Settlement } from "./protocol.ts";
import { QueueThread, spawnWorker, type Spawn } from "./thread.ts";
import { silent, type Log } from "../../log.ts";
import {
  publishTimeoutMs,
  retryDelaysMs,
  type Consumer,
  type DeadLetters,
  type DurableQueue,
  type Handler,
  type OutgoingMessage,
  type QueueDepth,
  type Outcome,
} from "../queue.ts";

export interface EmbeddedOptions {
  /**
   * The SQLite file. It and its folder are created where they are missing. It belongs to one
   * process.
   */
  readonly file: string;
  /** The bound on `sizeBytes`. Dead letters do not count. */
  readonly maxBytes: number;
  readonly retryDelaysMs?: readonly number[];
  readonly publishTimeoutMs?: number;
  readonly log?: Log;
  /** Starts the thread; tests use it to watch or end the thread. */
  readonly spawn?: Spawn;
}

/**
 * The durable queue without a server: a table in a SQLite file, written by a thread of its own.
 * Concurrent publishes, and the outcomes of deliveries, share one commit and one message to the
 * thread, so the event loop pays for the group, not for each.
 * While the disk is full or the folder cannot be written, publishes throw `QUEUE_UNAVAILABLE`; the
 * thread notices the end of the trouble by itself, within about a second. A sync that hangs or
 * fails leaves its messages in doubt (`OUTCOME_UNKNOWN`); while it hangs, publishes are refused at
 * once.
 */
export class EmbeddedQueue implements DurableQueue {
  readonly dead: DeadLetters;
  readonly #thread: QueueThread;
  #consumer: EmbeddedConsumer | null = null;
  #closed = false;

  /**
   * Opens the queue with all messages that were not acknowledged. Resolves even where the file
   * cannot be opened now: see `ping`.
   * @throws Error where a newer version wrote the file
   */
  static async open(options: EmbeddedOptions): Promise<EmbeddedQueue> {
    const queue = new EmbeddedQueue(options);
    await queue.#thread.start();
    return queue;
  }

  private constructor({ log = silent, spawn = spawnWorker, ...options }: EmbeddedOptions) {
    this.#thread = new QueueThread({ retryDelaysMs, publishTimeoutMs, ...options }, log, spawn, {
      deliveries: (deliveries) => this.#deliver(deliveries),
      lost: () => this.#consumer?.lost(),
    });
    this.dead = deadLetters(this.#thread);
  }

  get trouble(): string | null {
    return this.#thread.trouble;
  }

  /** Throws QUEUE_UNAVAILABLE while nothing can be made durable. Costs nothing. */
  ping(): Promise<void> {
    return this.#closed || this.#thread.trouble !== null
      ? Promise.reject(new ServiceError("QUEUE_UNAVAILABLE"))
      : Promise.resolve();
  }

  /** The body must not change until this is settled. */
  publish(message: OutgoingMessage): Promise<void> {
    if (!Number.isSafeInteger(message.receivedAt)) return Promise.reject(notAnInstant(message));
    return this.#thread.publish(message);
  }

  consume(handle: Handler, options: { readonly prefetch: number }): Promise<Consumer> {
    if (this.#consumer !== null && !this.#consumer.stopped) {
      return Promise.reject(new Error("this queue has a consumer already"));
    }
    this.#consumer = new EmbeddedConsumer(handle, options.prefetch, this.#thread);
    return Promise.resolve(this.#consumer);
  }

  depth(): Promise<QueueDepth> {
    return this.#thread.call("depth");
  }

  /**
   * Publishes under way are settled first. Handlers under way are not awaited: stop the consumer
   * before.
   */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#thread.close();
  }

  #deliver(deliveries: readonly PushedDelivery[]): void {
    if (!this.#closed) this.#consumer?.arrive(deliveries);
  }
}

function deadLetters(thread: QueueThread): DeadLetters {
  return {
    // Sends a copy: the view may be a small piece of a large buffer, which would be sent whole.
    put: (message, reason) =>
      Number.isSafeInteger(message.receivedAt)
        ? thread.call("put", new Uint8Array(message.body), message.receivedAt, reason)
        : Promise.reject(notAnInstant(message)),
    list: (limit) => thread.call("list", limit),
    find: (id) => thread.call("find", id),
    replay: (id) => thread.call("replay", id),
    remove: (id) => thread.call("remove", id),
  };
}

/**
 * Refused before it reaches the thread: in the file it would fail the whole group that shares its
 * commit.
 */
function notAnInstant({ receivedAt }: OutgoingMessage): TypeError {
  return new TypeError(`receivedAt must be whole milliseconds, not ${receivedAt}`);
}

/** The calls of a consumer to the queue's thread. */
export interface Source {
  demand(deliveries: number): void;
  settle(settlement: Settlement): void;
  settled(): Promise<void>;
}

/** Runs the handler on deliveries as they arrive, `prefetch` at a time. */
class EmbeddedConsumer implements Consumer {
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
