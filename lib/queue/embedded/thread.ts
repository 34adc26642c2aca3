import { Worker } from "node:worker_threads";
import { ServiceError } from "../../errors.ts";
import { Outbox } from "./outbox.ts";
import type { EngineOptions, Notice, PushedDelivery, Settlement, Verb, Verbs } from "./protocol.ts";
import type { Log } from "../../log.ts";
import type { OutgoingMessage } from "../queue.ts";

export type Spawn = (file: URL, data: EngineOptions) => Worker;

interface ThreadEvents {
  deliveries(deliveries: readonly PushedDelivery[]): void;
  /**
   * Called when the thread died: its deliveries will come again, and outcomes on their way are
   * lost.
   */
  lost(): void;
}

const extension = import.meta.url.endsWith(".ts") ? ".ts" : ".js";
const workerFile = new URL(`../../../workers/queue.worker${extension}`, import.meta.url);

/** The least time between two starts of the thread. */
const restartMs = 1_000;

const silence = "the disk does not answer";

/**
 * By default a thread's garbage may grow to 48 MB before it is collected; messages are not on its
 * heap.
 */
const resourceLimits = { maxYoungGenerationSizeMb: 8 };

export const spawnWorker: Spawn = (file, data) =>
  new Worker(file, { name: "queue", workerData: data, resourceLimits });

/**
 * The event loop's end of the queue's thread. The requests of one turn of the event loop are sent
 * as one message. When the thread dies, its requests fail and it is started again.
 */
export class QueueThread {
  readonly #options: EngineOptions;
  readonly #log: Log;
  readonly #spawn: Spawn;
  readonly #events: ThreadEvents;
  readonly #outbox: Outbox;
  readonly #started = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
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

  constructor(options: EngineOptions, log: Log, spawn: Spawn, events: ThreadEvents) {
    this.#options = options;
    this.#outbox = new Outbox(options.publishTimeoutMs);
    this.#log = log;
    this.#spawn = spawn;
    this.#events = events;
  }

  /** Why no message can be made durable right now; `null` while all is well. */
  get trouble(): string | null {
    return this.#trouble ?? (this.#isSilent ? silence : null);
  }

  /**
   * Resolves once the thread knows whether it can write, whatever the answer; rejects where it must
   * not touch the file.
   */
  start(): Promise<void> {
    this.#run();
    return this.#started.promise;
  }

  publish(message: OutgoingMessage): Promise<void> {
    if (!this.#listens()) return unavailable();
    const kept = this.#outbox.publish(message);
    this.#schedule();
    return kept;
  }

  call<V extends Verb>(verb: V, ...params: Parameters<Verbs[V]>): Promise<ReturnType<Verbs[V]>> {
    if (!this.#listens()) return unavailable();
    const answer = this.#outbox.call({ verb, params });
    this.#schedule();
    return answer as Promise<ReturnType<Verbs[V]>>;
  }

  settle(settlement: Settlement): void {
    if (this.#worker === null || this.#closing) return;
    this.#outbox.settle(settlement);
    this.#schedule();
  }

  /**
   * Resolves once every outcome so far is written; at once while that is impossible, since the
   * messages come again.
   */
  settled(): Promise<void> {
    return this.trouble === null ? this.#outbox.settled() : Promise.resolve();
  }

  /** Sets how many deliveries may be under way from now on. */
  demand(deliveries: number): void {
    this.#demand = deliveries;
    this.#schedule();
  }

  /** Carries out all calls made so far, then ends the thread. */
  close(): Promise<void> {
    if (this.#closing) return this.#ended.promise;
    this.#closing = true;
    clearTimeout(this.#restart);
    if (this.#worker === null) this.#ended.resolve();
    else this.#worker.postMessage({ ...this.#outbox.take(), close: true });
    return this.#ended.promise;
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
        this.#events.deliveries(notice.deliveries);
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
    this.#events.lost();
    this.#turned(this.#trouble ?? "the queue's thread ended");
    const waitMs = Math.max(0, this.#startedAt + restartMs - performance.now());
    this.#restart = setTimeout(() => this.#run(), waitMs);
  }
}

function unavailable(): Promise<never> {
  return Promise.reject(new ServiceError("QUEUE_UNAVAILABLE"));
}
