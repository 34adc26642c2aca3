import { type ErrorType, ServiceError } from "../../errors.ts";
import type { ThreadCall, Notice, Publishes, Requests, Settlement, Verb } from "./protocol.ts";
import type { OutgoingMessage } from "../queue.ts";

/** Milliseconds of a clock that all threads of a process share and that nobody can set. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

interface Waiting<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

interface Gathered extends Waiting<void> {
  readonly message: OutgoingMessage;
}

interface WaitingCall extends Waiting<unknown> {
  readonly verb: Verb;
}

/** The calls that were sent to the thread as one message. */
interface HandOver {
  /** By `monotonicMs`. */
  readonly at: number;
  readonly publishes: readonly Waiting<void>[];
  readonly callers: readonly WaitingCall[];
  unanswered: number;
}

/** The calls that change nothing: where one gets no answer, nothing is in doubt. */
const looks: ReadonlySet<Verb> = new Set<Verb>(["depth", "list", "find"]);

type Report = Extract<Notice, { kind: "report" }>;

/**
 * The event loop's requests to the queue's thread that have no answer yet: first gathered, then
 * under way. The thread reports in the order of the requests, so they need no ids.
 */
export class Outbox {
  readonly #timeoutMs: number;
  #publishes: Gathered[] = [];
  #settlements: Settlement[] = [];
  #calls: ThreadCall[] = [];
  #callers: WaitingCall[] = [];
  #publishesUnderWay: HandOver[] = [];
  #callersUnderWay: { readonly caller: WaitingCall; readonly handOver: HandOver }[] = [];
  #settlementsUnderWay = 0;
  #settledLatches: (() => void)[] = [];
  /**
   * Requests without an answer whose time is not over, the oldest first; later entries may be over.
   */
  #handOvers: HandOver[] = [];

  /** @param timeoutMs how long the thread may take for one message */
  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  publish(message: OutgoingMessage): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#publishes.push({ message, resolve, reject });
    });
  }

  call(call: ThreadCall): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#calls.push(call);
      this.#callers.push({ verb: call.verb, resolve, reject });
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

  /** Releases callers that wait for settlements, since these cannot be carried out now. */
  giveUp(): void {
    for (const resolve of this.#settledLatches.splice(0)) resolve();
  }

  /**
   * Returns all gathered requests, to be sent. Bodies are copied: callers keep theirs for another
   * try.
   */
  take(): Requests {
    const at = monotonicMs();
    const publishes = this.#publishes;
    const callers = this.#callers;
    const requests: Requests = {
      ...(publishes.length > 0 ? { publishes: pack(publishes, at + this.#timeoutMs) } : {}),
      ...(this.#settlements.length > 0 ? { settlements: this.#settlements } : {}),
      ...(this.#calls.length > 0 ? { calls: this.#calls } : {}),
    };
    if (publishes.length + callers.length > 0) {
      const handOver: HandOver = {
        at,
        publishes: publishes.map(({ resolve, reject }) => ({ resolve, reject })),
        callers,
        unanswered: publishes.length + callers.length,
      };
      this.#handOvers.push(handOver);
      if (publishes.length > 0) this.#publishesUnderWay.push(handOver);
      this.#callersUnderWay.push(...callers.map((caller) => ({ caller, handOver })));
    }
    this.#settlementsUnderWay += this.#settlements.length;
    this.#publishes = [];
    this.#settlements = [];
    this.#calls = [];
    this.#callers = [];
    return requests;
  }

  /**
   * How long until the time of the oldest hand-over is over, milliseconds; `null` where none is
   * under way.
   */
  get leftMs(): number | null {
    const [oldest] = this.#handOvers;
    return oldest === undefined ? null : Math.max(0, oldest.at + this.#timeoutMs - monotonicMs());
  }

  /**
   * Fails the requests whose time is over as unknown; the thread may still carry them out.
   * @returns whether there are any
   */
  expire(): boolean {
    const over = monotonicMs() - this.#timeoutMs;
    const late = this.#handOvers.findIndex(({ at }) => at > over);
    const expired = this.#handOvers.splice(0, late === -1 ? this.#handOvers.length : late);
    for (const { publishes, callers } of expired) abandon(publishes, callers);
    return expired.length > 0;
  }

  /** Notes that the oldest requests under way are done. */
  report({ published, refusals, settled, answers }: Report): void {
    const refused = new Map<number, ServiceError>();
    for (const { type, indexes } of refusals) {
      // All share one error: a stack for each would say the same, and cost most when resources are
      // scarce.
      const error = new ServiceError(type);
      for (const index of indexes) refused.set(index, error);
    }
    for (let index = 0; index < published;) {
      const handOver = this.#publishesUnderWay.shift();
      if (handOver === undefined) break;
      handOver.unanswered -= handOver.publishes.length;
      for (const { resolve, reject } of handOver.publishes) {
        const error = refused.get(index);
        if (error === undefined) resolve();
        else reject(error);
        index += 1;
      }
    }
    for (const answer of answers) {
      const answered = this.#callersUnderWay.shift();
      if (answered === undefined) break;
      answered.handOver.unanswered -= 1;
      if ("error" in answer) answered.caller.reject(new ServiceError(answer.error));
      else answered.caller.resolve(answer.value);
    }
    while (this.#handOvers[0]?.unanswered === 0) this.#handOvers.shift();
    this.#settlementsUnderWay -= settled;
    if (this.#settlements.length + this.#settlementsUnderWay === 0) this.giveUp();
  }

  /** Fails every request: none will be answered any more, and those not yet sent are dropped. */
  fail(): void {
    const publishes = this.#publishes;
    const callers = this.#callers;
    const publishesUnderWay = this.#publishesUnderWay.flatMap((handOver) => handOver.publishes);
    const callersUnderWay = this.#callersUnderWay.map(({ caller }) => caller);
    this.#publishesUnderWay = [];
    this.#publishes = [];
    this.#callersUnderWay = [];
    this.#callers = [];
    this.#calls = [];
    this.#settlements = [];
    this.#settlementsUnderWay = 0;
    this.#handOvers = [];
    abandon(publishesUnderWay, callersUnderWay);
    rejectAll([...publishes, ...callers], "QUEUE_UNAVAILABLE");
    this.giveUp();
  }
}

function abandon(publishes: readonly Waiting<void>[], callers: readonly WaitingCall[]): void {
  rejectAll(publishes, "OUTCOME_UNKNOWN");
  rejectAll(
    callers.filter(({ verb }) => looks.has(verb)),
    "QUEUE_UNAVAILABLE",
  );
  rejectAll(
    callers.filter(({ verb }) => !looks.has(verb)),
    "OUTCOME_UNKNOWN",
  );
}

function rejectAll<T>(waiting: readonly Waiting<T>[], type: ErrorType): void {
  if (waiting.length === 0) return;
  const error = new ServiceError(type);
  for (const { reject } of waiting) reject(error);
}

function pack(waiting: readonly Gathered[], until: number): Publishes {
  const sizes = waiting.map(({ message }) => message.body.byteLength);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  // A buffer of its own, never a piece of the shared pool, since it is transferred.
  const bytes = new Uint8Array(Buffer.allocUnsafeSlow(total).buffer);
  let offset = 0;
  for (const { message } of waiting) {
    bytes.set(message.body, offset);
    offset += message.body.byteLength;
  }
  return { bytes, sizes, receivedAts: waiting.map(({ message }) => message.receivedAt), until };
}
