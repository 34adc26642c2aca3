import { Worker } from "node:worker_threads";
import { ServiceError } from "../../errors.ts";
import { silent, type Log } from "../../log.ts";
import {
  publishTimeoutMs,
  retryDelaysMs,
  type Consumer,
  type DeadLetter,
  type DeadLetters,
  type DurableQueue,
  type Handler,
  type OutgoingMessage,
  type QueueDepth,
} from "../queue.ts";
import { EmbeddedConsumer } from "./consumer.ts";
import { Outbox } from "./outbox.ts";
import type { EngineOptions, Notice, Settlement, Verb, Verbs } from "./protocol.ts";

export type Spawn = (file: URL, data: EngineOptions) => Worker;

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

const extension = import.meta.url.endsWith(".ts") ? ".ts" : ".js";
const workerFile = new URL(`../../../workers/queue.worker${extension}`, import.meta.url);

/** The least time between two starts of the thread. */
const restartMs = 1_000;

/** So many dead letters that their bytes are the bound of a list. */
const listedAtOnce = 10_000;

const silence = "the disk does not answer";

/**
 * By default a thread's garbage may grow to 48 MB before it is collected; messages are not on its
 * heap.
 */
const resourceLimits = { maxYoungGenerationSizeMb: 8 };

export const spawnWorker: Spawn = (file, data) =>
  new Worker(file, { name: "queue", workerData: data, resourceLimits });

/**
 * The durable queue without a server: a table in a SQLite file, written by a thread of its own.
 * Publishes, outcomes of deliveries and other requests of one turn of the event loop are sent to
 * the thread as one message and share one commit, so the event loop pays for the group, not for
 * each. When the thread dies, its requests fail and it is started again.
 * While the disk is full or the folder cannot be written, publishes throw `QUEUE_UNAVAILABLE`; the
 * thread notices the end of the trouble by itself, within about a second. A sync that hangs or
 * fails leaves its messages in doubt (`OUTCOME_UNKNOWN`); while it hangs, publishes are refused at
 * once.
 */
export class EmbeddedQueue implements DurableQueue {
  readonly dead: DeadLetters = {
    // Sends a copy: the view may be a small piece of a large buffer, which would be sent whole.
    put: (message, reason, once) =>
      Number.isSafeInteger(message.receivedAt)
        ? this.#call("put", new Uint8Array(message.body), message.receivedAt, reason, once)
        : Promise.reject(notAnInstant(message)),
    list: (limit) => this.#call("list", limit, ""),
    each: async (visit, signal) => {
      let after: string | undefined = "";
      while (after !== undefined) {
        const letters: readonly DeadLetter[] = await this.#call("list", listedAtOnce, after);
        for (const letter of letters) {
          signal?.throwIfAborted();
          if (!(await visit(letter))) return;
        }
        after = letters.at(-1)?.id;
      }
    },
    find: (id) => this.#call("find", id),
    replay: (id) => this.#call("replay", id),
    remove: (id) => this.#call("remove", id),
    replace: (id, body, before) =>
      this.#call("replace", id, new Uint8Array(body), new Uint8Array(before)),
  };
  readonly #options: EngineOptions;
  readonly #log: Log;
  readonly #spawn: Spawn;
  readonly #outbox: Outbox;
  readonly #started = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  #consumer: EmbeddedConsumer | null = null;
  #worker: Worker | null = null;
  #startedAt = -Infinity;
  #restart: NodeJS.Timeout | undefined;
  #scheduled = false;
  #closing = false;
  #demand = 0;
  #trouble: string | null = null;
  /** Since when the thread has not answered in time: it waits for the disk. */
  #isSilent = false;
  #watch: NodeJS.Timeout | undefined;

  /**
   * Opens the queue with all messages that were not acknowledged. Resolves once the thread knows
   * whether it can write, whatever the answer: see `ping`.
   * @throws Error where a newer version wrote the file
   */
  static async open(options: EmbeddedOptions): Promise<EmbeddedQueue> {
    const queue = new EmbeddedQueue(options);
    queue.#run();
    await queue.#started.promise;
    return queue;
  }

  private constructor({ log = silent, spawn = spawnWorker, ...options }: EmbeddedOptions) {
    this.#options = { retryDelaysMs, publishTimeoutMs, ...options };
    this.#outbox = new Outbox(this.#options.publishTimeoutMs);
    this.#log = log;
    this.#spawn = spawn;
  }

  get trouble(): string | null {
    return this.#trouble ?? (this.#isSilent ? silence : null);
  }

  /** Throws QUEUE_UNAVAILABLE while nothing can be made durable. Costs nothing. */
  ping(): Promise<void> {
    return this.#closing || this.trouble !== null ? unavailable() : Promise.resolve();
  }

  /** The body must not change until this is settled. */
  publish(message: OutgoingMessage): Promise<void> {
    if (!Number.isSafeInteger(message.receivedAt)) return Promise.reject(notAnInstant(message));
    if (!this.#listens()) return unavailable();
    const kept = this.#outbox.publish(message);
    this.#schedule();
    return kept;
  }

  consume(handle: Handler, { prefetch }: { readonly prefetch: number }): Promise<Consumer> {
    if (this.#consumer !== null && !this.#consumer.stopped) {
      return Promise.reject(new Error("this queue has a consumer already"));
    }
    this.#consumer = new EmbeddedConsumer(handle, prefetch, {
      demand: (deliveries) => {
        this.#demand = deliveries;
        this.#schedule();
      },
      settle: (settlement) => this.#settle(settlement),
      settled: () => (this.trouble === null ? this.#outbox.settled() : Promise.resolve()),
    });
    return Promise.resolve(this.#consumer);
  }

  depth(): Promise<QueueDepth> {
    return this.#call("depth");
  }

  forgetAcknowledged(): Promise<void> {
    return this.#call("forgetAcknowledged");
  }

  /**
   * Carries out all requests made so far, then ends the thread. Handlers under way are not awaited:
   * stop the consumer before.
   */
  close(): Promise<void> {
    if (this.#closing) return this.#ended.promise;
    this.#closing = true;
    clearTimeout(this.#restart);
    if (this.#worker === null) this.#ended.resolve();
    else this.#worker.postMessage({ ...this.#outbox.take(), close: true });
    return this.#ended.promise;
  }

  #call<V extends Verb>(verb: V, ...params: Parameters<Verbs[V]>): Promise<ReturnType<Verbs[V]>> {
    if (!this.#listens()) return unavailable();
    const answer = this.#outbox.call({ verb, params });
    this.#schedule();
    return answer as Promise<ReturnType<Verbs[V]>>;
  }

  #settle(settlement: Settlement): void {
    if (this.#worker === null || this.#closing) return;
    this.#outbox.settle(settlement);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    // Runs after the poll phase: all requests that this turn read from sockets are in the same
    // group.
    setImmediate(() => {
      this.#scheduled = false;
      if (this.#worker === null || this.#closing) return;
      const requests = { ...this.#outbox.take(), demand: this.#demand };
      const transfer = requests.publishes ? [requests.publishes.bytes.buffer] : [];
      this.#worker.postMessage(requests, transfer);
      this.#watchOver();
    });
  }

  /** Whether the thread would accept a call soon. */
  #listens(): boolean {
    return this.#worker !== null && !this.#closing && !this.#isSilent;
  }

  /**
   * Gives callers an error in time while the thread hangs in the disk's sync; nothing more is sent
   * to it from then on.
   */
  #watchOver(): void {
    if (this.#watch !== undefined) return;
    const { leftMs } = this.#outbox;
    if (leftMs === null) return;
    this.#watch = setTimeout(() => {
      this.#watch = undefined;
      if (this.#outbox.expire()) this.#fellSilent();
      this.#watchOver();
    }, leftMs);
  }

  #fellSilent(): void {
    if (this.#isSilent) return;
    this.#isSilent = true;
    this.#log.error(
      { file: this.#options.file },
      "queue's disk does not answer, events are refused",
    );
    this.#outbox.giveUp();
  }

  #spokeAgain(): void {
    if (!this.#isSilent) return;
    this.#isSilent = false;
    this.#log.info({ file: this.#options.file }, "queue's disk answers again");
  }

  #run(): void {
    this.#startedAt = performance.now();
    const worker = this.#spawn(workerFile, this.#options);
    this.#worker = worker;
    worker.on("message", (notice: Notice) => this.#hear(notice));
    worker.on("error", (error: unknown) => this.#log.error({ err: error }, "queue thread failed"));
    worker.on("exit", () => this.#lost());
    if (this.#demand > 0) this.#schedule();
  }

  #hear(notice: Notice): void {
    switch (notice.kind) {
      case "report":
        this.#outbox.report(notice);
        this.#spokeAgain();
        break;
      case "deliveries":
        if (!this.#closing) this.#consumer?.arrive(notice.deliveries);
        break;
      case "state":
        this.#turned(notice.trouble);
        break;
      case "unfit":
        this.#closing = true;
        this.#started.reject(new Error(notice.reason));
        break;
      case "closed":
        break;
    }
  }

  #turned(trouble: string | null): void {
    const { file } = this.#options;
    if (trouble !== null && this.#trouble === null) {
      this.#log.error({ file, reason: trouble }, "queue cannot be written, events are refused");
    } else if (trouble === null && this.#trouble !== null) {
      this.#log.info({ file }, "queue can be written again");
    }
    this.#trouble = trouble;
    if (trouble !== null) this.#outbox.giveUp();
    this.#started.resolve();
  }

  #lost(): void {
    this.#worker = null;
    this.#isSilent = false;
    clearTimeout(this.#watch);
    this.#watch = undefined;
    this.#outbox.fail();
    if (this.#closing) {
      this.#ended.resolve();
      return;
    }
    this.#consumer?.lost();
    this.#turned(this.#trouble ?? "the queue's thread ended");
    const waitMs = Math.max(0, this.#startedAt + restartMs - performance.now());
    this.#restart = setTimeout(() => this.#run(), waitMs);
  }
}

function unavailable(): Promise<never> {
  return Promise.reject(new ServiceError("QUEUE_UNAVAILABLE"));
}

/**
 * Refused before it reaches the thread: in the file it would fail the whole group that shares its
 * commit.
 */
function notAnInstant({ receivedAt }: OutgoingMessage): TypeError {
  return new TypeError(`receivedAt must be whole milliseconds, not ${receivedAt}`);
}
