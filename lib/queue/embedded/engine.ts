import type { MessagePort } from "node:worker_threads";
import { NewerSchema } from "../../sqlite/schema-steps.ts";
import { errorType, ServiceError, type ErrorType } from "../../errors.ts";
import {
  Feed,
  steadyNow,
  type Handed,
  failureOf,
  isWritten,
  refusalsOf,
  unwritten,
  type Unwritten,
  Intake,
  type Inserted,
} from "./feed.ts";
import { free } from "../../concurrency/free.ts";
import type { QueueFile } from "./file.ts";
import { FileKeeper, retryMs } from "./keeper.ts";
import type {
  ThreadReply,
  ThreadCall,
  EngineOptions,
  Notice,
  Publishes,
  Refusal,
  Requests,
  Settlement,
  Verbs,
} from "./protocol.ts";
import { maxHandledBytes, type QueueDepth, type DeadLetter } from "../queue.ts";

/** The number of deliveries between two looks at new publishes: publishing goes first. */
const deliveriesPerTurn = 16;

const maxTimerMs = 2 ** 31 - 1;

/**
 * The part of the queue that may wait for the disk, on a thread of its own. All publishes and
 * outcomes that arrived when its loop turns become one transaction, one commit and one report.
 */
export class QueueEngine {
  readonly #options: EngineOptions;
  readonly #port: MessagePort;
  readonly #keeper: FileKeeper;
  readonly #intake: Intake;
  readonly #verbs: EngineVerbs;
  readonly #handed = new Map<number, Handed>();
  #feed: Feed | null = null;
  #demand = 0;
  #publishes: Publishes[] = [];
  /** Outcomes to write; they stay here until they are written. */
  #outcomes: Settlement[] = [];
  #calls: ThreadCall[] = [];
  /** Deliveries that were given back without a write and are not reported yet. */
  #givenBack = 0;
  #closing = false;
  #scheduled = false;
  #turnsSinceTick = 0;
  #dueTimer: NodeJS.Timeout | undefined;
  #tickTimer: NodeJS.Timeout | undefined;

  /** @param port where requests come and notices go */
  constructor(options: EngineOptions, port: MessagePort) {
    this.#options = options;
    this.#port = port;
    this.#intake = new Intake(options.maxBytes);
    this.#keeper = new FileKeeper(options.file, {
      opened: (file) => this.#opened(file),
      state: (trouble) => {
        this.#post({ kind: "state", trouble });
        if (trouble === null) this.#schedule();
      },
    });
    this.#verbs = new EngineVerbs(
      () => required(this.#keeper.file),
      () => required(this.#keeper.writable),
      () => required(this.#feed),
      this.#intake,
      options.maxBytes,
    );
  }

  /** Serves until a request says `close`, or not at all where a newer version wrote the file. */
  start(): void {
    try {
      this.#keeper.open();
    } catch (error) {
      if (!(error instanceof NewerSchema)) throw error;
      this.#post({ kind: "unfit", reason: error.message });
      return;
    }
    this.#tickTimer = setInterval(() => this.#tick(), retryMs);
    this.#port.on("message", (requests: Requests) => this.#receive(requests));
  }

  #post(notice: Notice, transfer: readonly ArrayBuffer[] = []): void {
    this.#port.postMessage(notice, transfer);
  }

  #receive(requests: Requests): void {
    if (requests.publishes) this.#publishes.push(requests.publishes);
    for (const settlement of requests.settlements ?? []) this.#accept(settlement);
    if (requests.calls) this.#calls.push(...requests.calls);
    this.#demand = requests.demand ?? this.#demand;
    this.#closing ||= requests.close === true;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#turn());
  }

  #turn(): void {
    this.#scheduled = false;
    this.#turnsSinceTick += 1;
    const groups = this.#publishes;
    const calls = this.#calls;
    this.#publishes = [];
    this.#calls = [];
    const published = groups.reduce((sum, { sizes }) => sum + sizes.length, 0);
    const { refusals, settled } = this.#commit(groups, published);
    for (const { bytes } of groups) free(bytes);
    const answers = calls.map((call) => this.#answer(call));
    if (published + settled + answers.length > 0) {
      this.#post({ kind: "report", published, refusals, settled, answers });
    }
    if (this.#closing) this.#close();
    else this.#deliver();
  }

  /** Outcomes go first: the messages that they remove make room for new ones. */
  #commit(
    groups: readonly Publishes[],
    published: number,
  ): { refusals: readonly Refusal[]; settled: number } {
    const outcomes = this.#outcomes;
    let settled = this.#givenBack;
    this.#givenBack = 0;
    // During trouble no message is added, but handled messages are still removed.
    const admitted = published > 0 && this.#keeper.writable !== null;
    const written = admitted ? this.#write(outcomes, groups) : unwritten;
    if (isWritten(written) || (outcomes.length > 0 && isWritten(this.#write(outcomes, [])))) {
      settled += outcomes.length;
    }
    return { refusals: published > 0 ? refusalsOf(written, published) : [], settled };
  }

  /**
   * Runs one transaction.
   * @returns why nothing was written, or the results of the publishes
   */
  #write(outcomes: readonly Settlement[], groups: readonly Publishes[]): Inserted | Unwritten {
    const file = this.#keeper.file;
    if (file === null || this.#feed === null) return unwritten;
    const firstId = this.#intake.nextId;
    try {
      const inserted = file.transaction(() => {
        for (const outcome of outcomes) this.#apply(file, outcome);
        return this.#intake.insert(file, groups);
      });
      for (const { id } of outcomes) this.#handed.delete(id);
      this.#outcomes = [];
      this.#intake.committed(inserted, this.#feed);
      return inserted;
    } catch (error) {
      this.#intake.failed(firstId);
      this.#keeper.failed(error);
      return failureOf(error);
    }
  }

  #accept(settlement: Settlement): void {
    const { id, outcome } = settlement;
    const message = this.#handed.get(id);
    if (message !== undefined && outcome.status !== "hold" && outcome.status !== "unread") {
      this.#outcomes.push(settlement);
      return;
    }
    this.#givenBack += 1;
    if (message === undefined) return;
    this.#handed.delete(id);
    const redelivered = message.redelivered || outcome.status === "hold";
    this.#feed?.giveBack({ ...message, redelivered });
  }

  #apply(file: QueueFile, { id, outcome }: Settlement): void {
    const message = this.#handed.get(id);
    if (message === undefined) return;
    const delayMs = this.#options.retryDelaysMs[message.attempt - 1];
    if (outcome.status === "retry" && delayMs !== undefined) {
      file.delay(id, message.attempt + 1, steadyNow() + delayMs);
      return;
    }
    if (outcome.status === "retry" || outcome.status === "dead") {
      file.dead.bury(id, Date.now(), String(outcome.reason));
    }
    file.remove(id, message.bodyBytes);
  }

  #answer({ verb, params }: ThreadCall): ThreadReply {
    try {
      // The other thread's types hold the parameters to the verb.
      const method = this.#verbs[verb].bind(this.#verbs) as (...params: unknown[]) => unknown;
      return { value: method(...params) };
    } catch (error) {
      const type: ErrorType = errorType(error);
      if (type !== "INTERNAL") return { error: type };
      this.#keeper.failed(error);
      return { error: failureOf(error).reason };
    }
  }

  #deliver(): void {
    const messages = Math.min(this.#demand - this.#handed.size, deliveriesPerTurn);
    const bytes = maxHandledBytes - this.#handedBytes();
    const file = this.#keeper.file;
    if (messages <= 0 || bytes <= 0 || file === null || this.#feed === null) return;
    try {
      const deliveries = this.#feed.take(file, { messages, bytes }, steadyNow());
      if (deliveries.length === 0) {
        this.#wakeAt(this.#feed.nextDueAt(file));
        return;
      }
      for (const { body, ...message } of deliveries) {
        this.#handed.set(message.id, { ...message, bodyBytes: body.byteLength });
      }
      this.#post(
        { kind: "deliveries", deliveries },
        deliveries.map(({ body }) => body.buffer),
      );
      this.#schedule();
    } catch (error) {
      this.#keeper.failed(error);
    }
  }

  #handedBytes(): number {
    let sum = 0;
    for (const { bodyBytes } of this.#handed.values()) sum += bodyBytes;
    return sum;
  }

  #wakeAt(dueAt: number | null): void {
    clearTimeout(this.#dueTimer);
    if (dueAt === null) return;
    const waitMs = Math.min(Math.max(dueAt - steadyNow(), 0) + 1, maxTimerMs);
    this.#dueTimer = setTimeout(() => this.#schedule(), waitMs);
  }

  #tick(): void {
    this.#keeper.maintain(this.#turnsSinceTick === 0);
    this.#turnsSinceTick = 0;
    if (this.#outcomes.length > 0) this.#schedule();
  }

  #opened(file: QueueFile): void {
    file.removeRefused(this.#intake.refused);
    file.boundDelays(steadyNow(), this.#options.retryDelaysMs);
    this.#intake.skipTo(file.lastId);
    if (this.#feed === null) this.#feed = new Feed(file.lastId);
    else this.#feed.lookAgain();
    this.#schedule();
  }

  #close(): void {
    clearTimeout(this.#dueTimer);
    clearInterval(this.#tickTimer);
    this.#keeper.close();
    this.#post({ kind: "closed" });
    this.#port.close();
  }
}

function required<T>(part: T | null): T {
  if (part === null) throw new ServiceError("QUEUE_UNAVAILABLE");
  return part;
}

/** The rare verbs; each is a transaction of its own. */
class EngineVerbs implements Verbs {
  readonly #file: () => QueueFile;
  readonly #writable: () => QueueFile;
  readonly #feed: () => Feed;
  readonly #intake: Intake;
  readonly #maxBytes: number;

  /**
   * The functions throw while there is no file.
   * @param writable the file, for adding to it
   */
  constructor(
    file: () => QueueFile,
    writable: () => QueueFile,
    feed: () => Feed,
    intake: Intake,
    maxBytes: number,
  ) {
    this.#file = file;
    this.#writable = writable;
    this.#feed = feed;
    this.#intake = intake;
    this.#maxBytes = maxBytes;
  }

  forgetAcknowledged(): void {
    this.#file().giveAllBack();
  }

  depth(): QueueDepth {
    const file = this.#file();
    return {
      messages: file.counters.messages,
      sizeBytes: file.sizeBytes,
      maxBytes: this.#maxBytes,
      oldestReceivedAt: file.oldestReceivedAt(),
      dueSince: file.dueSince(steadyNow()),
      dead: file.counters.dead,
    };
  }

  put(body: Uint8Array, receivedAt: number, reason: string, once?: "once"): void {
    const file = this.#writable();
    if (once === "once" && file.dead.has(body, receivedAt)) return;
    file.transaction(() => file.dead.put(body, receivedAt, Date.now(), reason));
  }

  list(limit: number, after: string): readonly DeadLetter[] {
    return this.#file().dead.list(limit, after);
  }

  find(id: string): DeadLetter | undefined {
    return this.#file().dead.find(id);
  }

  replay(id: string): boolean {
    const file = this.#writable();
    const letter = file.dead.find(id);
    if (letter === undefined) return false;
    const bytes = new Uint8Array(letter.body);
    const group = {
      bytes,
      sizes: [bytes.byteLength],
      receivedAts: [letter.receivedAt],
      until: Infinity,
    };
    const inserted = file.transaction(() => {
      const result = this.#intake.insert(file, [group]);
      if (result.full.length === 0) file.dead.remove(id);
      return result;
    });
    this.#intake.committed(inserted, this.#feed());
    if (inserted.full.length > 0) throw new ServiceError("QUEUE_FULL");
    return true;
  }

  remove(id: string): boolean {
    const file = this.#file();
    return file.transaction(() => file.dead.remove(id));
  }

  replace(id: string, body: Uint8Array, before: Uint8Array): boolean {
    const file = this.#writable();
    return file.transaction(() => file.dead.replace(id, body, before));
  }
}
