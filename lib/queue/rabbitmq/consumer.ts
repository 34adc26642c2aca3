import { setTimeout as sleep } from "node:timers/promises";
import type { ChannelModel, ConsumeMessage } from "amqplib";
import type { Log } from "../../log.ts";
import { maxHandledBytes, type Consumer, type Handler, type Outcome } from "../queue.ts";
import { attemptOf, bodyOf, deadLetter, nextAttempt, receivedAtOf } from "./message.ts";
import type { Publisher } from "./publisher.ts";
import { Session } from "./session.ts";
import type { Topology } from "./topology.ts";

interface ConsumerOptions {
  readonly handle: Handler;
  readonly prefetch: number;
  readonly topology: Topology;
  readonly publisher: Publisher;
  readonly log: Log;
  /** Called when the connection is useless. */
  readonly drop: (reason: string) => void;
  readonly seen: (sizeBytes: number) => void;
}

interface Arrival {
  readonly session: Session;
  readonly message: ConsumeMessage;
}

/** The pause between two attempts to move a message to the retry or dead queue. */
const moveAgainMs = 1_000;

/**
 * Hands deliveries to a handler and carries out its outcomes. It survives the connection: each new
 * one is attached, and outcomes for deliveries of an older connection are dropped, since the broker
 * delivers those again.
 */
export class RabbitConsumer implements Consumer {
  readonly #options: ConsumerOptions;
  #model: ChannelModel | null = null;
  #session: Session | null = null;
  #state: "running" | "paused" | "stopped" = "running";
  /**
   * Deliveries that wait for a handler: large ones are being handled, or handlers of an older
   * connection still take the room.
   */
  #waiting: Arrival[] = [];
  readonly #underWay = new Set<Promise<void>>();
  /** Of the bodies that are being handled. */
  #handledBytes = 0;
  readonly #stopping = new AbortController();

  constructor(options: ConsumerOptions) {
    this.#options = options;
  }

  get stopped(): boolean {
    return this.#state === "stopped";
  }

  /** Deliveries that this process holds and has not settled. */
  get unacknowledged(): ReadonlySet<ConsumeMessage> {
    return this.#session?.unacknowledged ?? new Set();
  }

  /** Uses a new connection; does nothing where it is in use already. */
  async attach(model: ChannelModel): Promise<void> {
    if (this.stopped || this.#model === model) return;
    this.#model = model;
    const { topology, prefetch, drop, seen } = this.#options;
    const session: Session = await Session.open(model, {
      queue: topology.raw,
      prefetch,
      broken: drop,
      arrived: (message) => {
        seen(message.content.byteLength);
        this.#waiting.push({ session, message });
        this.#handOver();
      },
    });
    if (this.stopped || this.#model !== model) return session.close();
    this.#session = session;
    await this.#ask(session);
  }

  /** Notes that the connection is lost. */
  detach(): void {
    this.#model = null;
    this.#session?.end();
    this.#session = null;
    this.#waiting = [];
  }

  pause(): void {
    if (this.#state !== "running") return;
    this.#state = "paused";
    if (this.#session !== null) void this.#ask(this.#session);
  }

  resume(): void {
    if (this.#state !== "paused") return;
    this.#state = "running";
    if (this.#session !== null) void this.#ask(this.#session);
    this.#handOver();
  }

  async stop(): Promise<void> {
    this.#state = "stopped";
    this.#stopping.abort();
    const session = this.#session;
    if (session !== null) await this.#ask(session);
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
    await session?.close();
  }

  /** Starts or stops deliveries, as the state demands; then gives back those that came too late. */
  async #ask(session: Session): Promise<void> {
    await session.want(this.#state === "running");
    if (this.#state === "running") return;
    const late = this.#waiting.filter((arrival) => arrival.session === session);
    this.#waiting = this.#waiting.filter((arrival) => arrival.session !== session);
    for (const { message } of late) session.giveBack(message);
  }

  #handOver(): void {
    while (
      this.#state === "running" &&
      this.#underWay.size < this.#options.prefetch &&
      this.#handledBytes < maxHandledBytes
    ) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      const { byteLength } = next.message.content;
      this.#handledBytes += byteLength;
      const done = this.#work(next).finally(() => {
        this.#underWay.delete(done);
        this.#handledBytes -= byteLength;
        this.#handOver();
      });
      this.#underWay.add(done);
    }
  }

  async #work({ session, message }: Arrival): Promise<void> {
    const outcome = await this.#handle(message);
    switch (outcome.status) {
      case "done":
        return session.acknowledge(message);
      case "retry":
        return this.#move(session, message, outcome.reason, attemptOf(message));
      case "dead":
        return this.#move(session, message, outcome.reason, null);
      case "hold":
        // A message given back before the broker stops delivering would come straight back here.
        this.pause();
        await this.#ask(session);
        return session.giveBack(message);
    }
  }

  async #handle(message: ConsumeMessage): Promise<Outcome> {
    const attempt = attemptOf(message);
    try {
      return await this.#options.handle({
        body: bodyOf(message),
        receivedAt: receivedAtOf(message),
        attempt,
        redelivered: message.fields.redelivered || attempt > 1,
      });
    } catch (error) {
      return { status: "retry", reason: error instanceof Error ? error.message : String(error) };
    }
  }

  /**
   * Moves a message to the retry queue of its attempt, or to the dead queue: it is published there
   * first and acknowledged here afterwards, so that a crash between leaves both. While it cannot be
   * moved it stays here.
   */
  async #move(
    session: Session,
    message: ConsumeMessage,
    reason: string,
    attempt: number | null,
  ): Promise<void> {
    const { topology, publisher, log } = this.#options;
    const retryQueue = attempt === null ? undefined : topology.retry[attempt - 1];
    const given = AbortSignal.any([session.ended, this.#stopping.signal]);
    while (!session.ended.aborted) {
      try {
        if (retryQueue !== undefined) {
          await publisher.send(retryQueue, nextAttempt(message, reason));
        } else {
          await publisher.send(topology.dead, deadLetter(message, reason, Date.now()));
        }
        return session.acknowledge(message);
      } catch (error) {
        log.warn({ reason: (error as Error).message }, "a failed message could not be moved");
        // During a stop there is one attempt; the end of the session then gives the message back.
        if (this.#stopping.signal.aborted) return;
        await sleep(moveAgainMs, undefined, { signal: given }).catch(() => undefined);
      }
    }
  }
}
