import { ServiceError } from "../errors.ts";
import type { Call, Notice, Publishes, Requests, Settlement } from "./embedded-protocol.ts";
import type { OutgoingMessage } from "./queue.ts";

interface Waiting<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

interface WaitingPublish extends Waiting<void> {
  readonly message: OutgoingMessage;
}

type Report = Extract<Notice, { kind: "report" }>;

/**
 * What the event loop asks of the queue's thread and has no answer to yet: gathered, then under way.
 * The thread reports in the order in which it was asked, so nothing here needs an id.
 */
export class Outbox {
  #publishes: WaitingPublish[] = [];
  #settlements: Settlement[] = [];
  #calls: Call[] = [];
  #callers: Waiting<unknown>[] = [];
  #publishesUnderWay: WaitingPublish[][] = [];
  #callersUnderWay: Waiting<unknown>[] = [];
  #settlementsUnderWay = 0;
  #settledLatches: (() => void)[] = [];

  publish(message: OutgoingMessage): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#publishes.push({ message, resolve, reject });
    });
  }

  call(call: Call): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#calls.push(call);
      this.#callers.push({ resolve, reject });
    });
  }

  settle(settlement: Settlement): void {
    this.#settlements.push(settlement);
  }

  /** Resolves once every settlement so far is carried out, or `giveUp` was called. */
  settled(): Promise<void> {
    if (this.#settlements.length + this.#settlementsUnderWay === 0) return Promise.resolve();
    return new Promise((resolve) => this.#settledLatches.push(resolve));
  }

  /** Release those who wait for settlements: they cannot be carried out now. */
  giveUp(): void {
    for (const resolve of this.#settledLatches.splice(0)) resolve();
  }

  /** Everything gathered, to be sent. Bodies are copied: the callers keep theirs, for another try. */
  take(): Requests {
    const requests: Requests = {
      ...(this.#publishes.length > 0 ? { publishes: pack(this.#publishes) } : {}),
      ...(this.#settlements.length > 0 ? { settlements: this.#settlements } : {}),
      ...(this.#calls.length > 0 ? { calls: this.#calls } : {}),
    };
    if (this.#publishes.length > 0) {
      this.#publishesUnderWay.push(this.#publishes);
      this.#publishes = [];
    }
    this.#settlementsUnderWay += this.#settlements.length;
    this.#settlements = [];
    this.#callersUnderWay.push(...this.#callers);
    this.#calls = [];
    this.#callers = [];
    return requests;
  }

  /** The oldest things under way are done. */
  report({ published, refusals, settled, answers }: Report): void {
    const refused = new Map<number, ServiceError>();
    for (const { type, indexes } of refusals) {
      // One error for all: a stack each would say the same, and cost most when there is least to spare.
      const error = new ServiceError(type);
      for (const index of indexes) refused.set(index, error);
    }
    for (let index = 0; index < published;) {
      for (const { resolve, reject } of this.#publishesUnderWay.shift() ?? []) {
        const error = refused.get(index);
        if (error === undefined) resolve();
        else reject(error);
        index += 1;
      }
    }
    for (const answer of answers) {
      const caller = this.#callersUnderWay.shift();
      if ("error" in answer) caller?.reject(new ServiceError(answer.error));
      else caller?.resolve(answer.value);
    }
    this.#settlementsUnderWay -= settled;
    if (this.#settlements.length + this.#settlementsUnderWay === 0) this.giveUp();
  }

  /** Nothing that was asked will be answered any more. */
  fail(): void {
    const error = new ServiceError("QUEUE_UNAVAILABLE");
    const publishes = [...this.#publishesUnderWay.flat(), ...this.#publishes];
    const callers = [...this.#callersUnderWay, ...this.#callers];
    this.#publishesUnderWay = [];
    this.#publishes = [];
    this.#callersUnderWay = [];
    this.#callers = [];
    this.#calls = [];
    this.#settlements = [];
    this.#settlementsUnderWay = 0;
    for (const { reject } of [...publishes, ...callers]) reject(error);
    this.giveUp();
  }
}

function pack(waiting: readonly WaitingPublish[]): Publishes {
  const sizes = waiting.map(({ message }) => message.body.byteLength);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  // Its own memory, never a piece of the shared pool: it is transferred.
  const bytes = new Uint8Array(Buffer.allocUnsafeSlow(total).buffer);
  let offset = 0;
  for (const { message } of waiting) {
    bytes.set(message.body, offset);
    offset += message.body.byteLength;
  }
  return { bytes, sizes, receivedAts: waiting.map(({ message }) => message.receivedAt) };
}
