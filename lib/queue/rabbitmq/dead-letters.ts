import type { Channel, GetMessage } from "amqplib";
import { listBytes, type DeadLetter, type DeadLetters, type OutgoingMessage } from "../queue.ts";
import type { BrokerLock } from "./broker-lock.ts";
import { type QuestionChannel, giveAllBack, take, waitingIn } from "./channel.ts";
import {
  deadAtOnce,
  fingerprintOf,
  firstAttempt,
  idOf,
  toDeadLetter,
  withBody,
} from "./message.ts";
import type { Publisher } from "./publisher.ts";
import type { Topology } from "./topology.ts";

/** The most dead letters that are browsed; those behind them are found once these are gone. */
const browseLimit = 10_000;

/** One that is shown the letters. */
interface Visitor {
  readonly visit: Parameters<DeadLetters["each"]>[0];
  readonly signal: AbortSignal | undefined;
  readonly over: PromiseWithResolvers<void>;
  hasLeft: boolean;
}

/**
 * The dead letters on a queue of the broker. A queue can only be read by taking messages, so each
 * question takes all of them, up to 10,000, and gives them back: its cost grows with their number.
 * Processes ask one after the other, since each would see only a part otherwise.
 */
export class RabbitDeadLetters implements DeadLetters {
  readonly #topology: Topology;
  readonly #publisher: Publisher;
  readonly #channel: QuestionChannel;
  readonly #lock: BrokerLock;
  /** Those who wait for the next walk. */
  #waiting: Visitor[] = [];
  #looks = 0;
  /** The number at the last count. */
  #counted: number | undefined;

  constructor(
    topology: Topology,
    publisher: Publisher,
    { channel, lock }: { readonly channel: QuestionChannel; readonly lock: BrokerLock },
  ) {
    this.#topology = topology;
    this.#publisher = publisher;
    this.#channel = channel;
    this.#lock = lock;
  }

  /** Of a letter that is put once the queue may hold several copies, which have the same id. */
  put(message: OutgoingMessage, reason: string, once?: "once"): Promise<void> {
    const id = once === "once" ? fingerprintOf(message.body) : undefined;
    return this.#publisher.send(this.#topology.dead, deadAtOnce(message, reason, Date.now(), id));
  }

  /**
   * How many there are. While this process looks through them, the last number: a look takes as long
   * as there are many, and the letters that it holds would be missing.
   */
  async count(): Promise<number> {
    if (this.#looks > 0 && this.#counted !== undefined) return this.#counted;
    const { messages } = await this.#channel.ask((channel) =>
      waitingIn(channel, this.#topology.dead),
    );
    return (this.#counted = messages);
  }

  /** Asks while no other process does. */
  async #look<T>(work: (channel: Channel) => Promise<T>): Promise<T> {
    this.#looks += 1;
    try {
      return await this.#channel.ask((channel) => this.#lock.hold(() => work(channel)));
    } finally {
      this.#looks -= 1;
    }
  }

  async list(limit: number): Promise<readonly DeadLetter[]> {
    const oldest: DeadLetter[] = [];
    let bytes = 0;
    await this.each((letter) => {
      // Letters come in the order in which they died, except for those that got another message, or
      // that a lost connection gave back.
      const at = oldest.findLastIndex(({ diedAt }) => diedAt <= letter.diedAt) + 1;
      if (at >= limit) return true;
      oldest.splice(at, 0, letter);
      bytes += letter.body.byteLength;
      while (oldest.length > limit || (oldest.length > 1 && bytes > listBytes)) {
        bytes -= oldest.pop()!.body.byteLength;
      }
      return true;
    });
    return oldest;
  }

  each(visit: Visitor["visit"], signal?: AbortSignal): Promise<void> {
    const over = Promise.withResolvers<void>();
    this.#waiting.push({ visit, signal, over, hasLeft: false });
    if (this.#waiting.length === 1) void this.#walk();
    return over.promise;
  }

  /** Shows the letters to all who wait when its turn has come. */
  async #walk(): Promise<void> {
    const visitors = this.#waiting;
    try {
      await this.#look(async (channel) => {
        this.#waiting = [];
        const taken = await this.#show(channel, visitors);
        await giveAllBack(channel, this.#topology.dead, taken);
      });
      for (const { over } of visitors) over.resolve();
    } catch (error) {
      if (this.#waiting === visitors) this.#waiting = [];
      for (const { over } of visitors) over.reject(error);
    }
  }

  /**
   * Takes letters for as long as somebody wants to see them.
   * @returns how many
   */
  async #show(channel: Channel, visitors: readonly Visitor[]): Promise<number> {
    if (!areAny(visitors)) return 0;
    const seen = new Set<string>();
    return this.#takeAll(channel, async (message) => {
      const letter = toDeadLetter(message);
      if (!seen.has(letter.id)) {
        seen.add(letter.id);
        for (const visitor of visitors) await show(visitor, letter);
      }
      return areAny(visitors);
    });
  }

  async find(id: string): Promise<DeadLetter | undefined> {
    let found: DeadLetter | undefined;
    await this.each((letter) => {
      if (letter.id === id) found = letter;
      return found === undefined;
    });
    return found;
  }

  async replay(id: string): Promise<boolean> {
    const replayed = await this.#with(id, async ({ body, receivedAt }, acknowledge) => {
      await this.#publisher.send(this.#topology.raw, firstAttempt({ body, receivedAt }, id));
      acknowledge();
      return true;
    });
    return replayed ?? false;
  }

  async remove(id: string): Promise<boolean> {
    const removed = await this.#with(id, async (_, acknowledge) => {
      acknowledge();
      return true;
    });
    return removed ?? false;
  }

  async replace(id: string, body: Uint8Array, before: Uint8Array): Promise<boolean> {
    const replaced = await this.#with(id, async (letter, acknowledge) => {
      if (Buffer.compare(letter.body, before) !== 0) return false;
      await this.#publisher.send(this.#topology.dead, withBody(letter, body));
      acknowledge();
      return true;
    });
    return replaced ?? false;
  }

  /**
   * Does something with a letter; letters that are not acknowledged are given back. A crash between
   * two steps can leave a letter twice: both are acknowledged at once.
   */
  #with<T>(
    id: string,
    work: (letter: DeadLetter, acknowledge: () => void) => Promise<T>,
  ): Promise<T | undefined> {
    return this.#look(async (channel) => {
      const found: GetMessage[] = [];
      let kept = await this.#takeAll(channel, (message) => {
        if (idOf(message) === id) found.push(message);
        return true;
      });
      const acknowledge = () => {
        kept -= found.length;
        for (const message of found) channel.ack(message);
      };
      try {
        return found[0] && (await work(toDeadLetter(found[0]), acknowledge));
      } finally {
        await giveAllBack(channel, this.#topology.dead, kept);
      }
    });
  }

  /**
   * Takes all letters, up to the limit, until `visit` wants no more.
   * @returns how many
   */
  async #takeAll(
    channel: Channel,
    visit: (message: GetMessage) => boolean | Promise<boolean>,
  ): Promise<number> {
    for (let taken = 0; taken < browseLimit; taken++) {
      const message = await take(channel, this.#topology.dead);
      if (message === null) return taken;
      if (!(await visit(message))) return taken + 1;
    }
    return browseLimit;
  }
}

/** Shows a letter to a visitor, unless that has left. */
async function show(visitor: Visitor, letter: DeadLetter): Promise<void> {
  if (visitor.hasLeft) return;
  try {
    visitor.signal?.throwIfAborted();
    await visitor.visit(letter);
  } catch (error) {
    visitor.hasLeft = true;
    visitor.over.reject(error);
  }
}

/** Whether any of them still waits for an answer. */
function areAny(visitors: readonly Visitor[]): boolean {
  for (const visitor of visitors) {
    if (visitor.hasLeft || visitor.signal?.aborted !== true) continue;
    visitor.hasLeft = true;
    visitor.over.reject(visitor.signal.reason);
  }
  return visitors.some(({ hasLeft }) => !hasLeft);
}
