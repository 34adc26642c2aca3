/**
 * The durable queue between ingest and processor. At least once, unordered, bounded.
 * Every sentence here is tested by `test/contract/queue.contract.ts` on every implementation.
 */
export interface DurableQueue {
  /**
   * Keeps a message. Resolves when no crash of this process or of the broker can lose it any more.
   * Concurrent calls share one commit. Settles within `publishTimeoutMs`.
   * @throws ServiceError `QUEUE_FULL` when the bound is reached, `QUEUE_UNAVAILABLE` when it could
   *   not be made durable: the message is then not kept, and is never delivered. `OUTCOME_UNKNOWN`
   *   when nobody can know: the message may be delivered, so its events must be sent again with the
   *   same ids.
   */
  publish(message: OutgoingMessage): Promise<void>;

  /**
   * Delivers messages to `handle`, at most `prefetch` at a time, and no further one while bodies of
   * `maxHandledBytes` are being handled; oldest first where nothing failed.
   * A message stays on the queue until its handler's outcome is carried out: after a crash it is
   * delivered again. One consumer for each queue object.
   */
  consume(handle: Handler, options: { readonly prefetch: number }): Promise<Consumer>;

  /** How many messages wait, at a cost that does not grow with the backlog. */
  depth(): Promise<QueueDepth>;

  readonly dead: DeadLetters;

  /**
   * Lets go, within a minute, of what acknowledged messages left on the disk, and of what those that
   * wait now leave there later, until the process ends. Absent where a broker keeps the messages.
   */
  forgetAcknowledged?(): Promise<void>;

  /** Why no message can be made durable right now, in words; `null` while all is well. */
  readonly trouble: string | null;

  /** Releases everything. Messages not acknowledged stay for the next opening. */
  close(): Promise<void>;
}

/** The longest time that a publish takes, milliseconds, whatever hangs. */
export const publishTimeoutMs = 6_000;

/**
 * Handlers hold several times the bytes of their messages, so that some of the largest messages
 * would fill a process.
 */
export const maxHandledBytes = 8_388_608;

export interface OutgoingMessage {
  readonly body: Uint8Array;
  /** Epoch milliseconds of the oldest event in the message. */
  readonly receivedAt: number;
}

export interface Delivery {
  /** Once the outcome is `done` the queue reads it no more. */
  readonly body: Uint8Array;
  readonly receivedAt: number;
  /** 1 for the first attempt; counts `retry` outcomes, not crashes. */
  readonly attempt: number;
  /** True where an earlier delivery may have done part of the work. */
  readonly redelivered: boolean;
}

/**
 * The outcome of a delivery.
 * - `done`: acknowledged and removed.
 * - `retry`: delivered again after the delay of its attempt (`retryDelaysMs`); after the last one
 *   it goes to `.dead`.
 * - `dead`: goes to `.dead` at once.
 * - `hold`: something that the handler needs is away: the message is given back, no attempt is
 *   counted, and nothing is delivered until `resume`. A handler that throws means `retry` with the
 *   error's message.
 */
export type Outcome =
  | { readonly status: "done" }
  | { readonly status: "retry"; readonly reason: string }
  | { readonly status: "dead"; readonly reason: string }
  | { readonly status: "hold" };

export type Handler = (delivery: Delivery) => Promise<Outcome>;

/** 1 s, 10 s, 1 min, 10 min: five attempts in all. */
export const retryDelaysMs: readonly number[] = [1_000, 10_000, 60_000, 600_000];

export interface Consumer {
  /** Delivers nothing more until `resume`. Deliveries under way continue. */
  pause(): void;
  resume(): void;
  /** Takes no more messages, waits for the handlers under way and carries out their outcomes. */
  stop(): Promise<void>;
}

export interface QueueDepth {
  /** The messages not yet acknowledged: waiting, delayed or being handled. */
  readonly messages: number;
  readonly sizeBytes: number;
  /** The bound on `sizeBytes`; `null` where the broker does not reveal it. */
  readonly maxBytes: number | null;
  /** `receivedAt` of the oldest message not yet acknowledged; `null` where there is none. */
  readonly oldestReceivedAt: number | null;
  /**
   * Since when the message is due that has been so the longest: its `receivedAt`, or the end of its
   * delay; epoch milliseconds. `null` where none is due. Where more than `mostDelayed` messages
   * wait for their next attempt, they count as due.
   */
  readonly dueSince: number | null;
  readonly dead: number;
}

/** More messages than this that wait for their next attempt mean that all tries fail. */
export const mostDelayed = 100;

export interface DeadLetter {
  readonly id: string;
  readonly reason: string;
  readonly attempts: number;
  /** Epoch milliseconds. */
  readonly diedAt: number;
  readonly receivedAt: number;
  readonly body: Uint8Array;
}

/**
 * Messages that failed for good. They are kept until someone replays or removes them. Where another
 * process looks through them for longer than 5 s, calls throw ServiceError `OVERLOADED`.
 */
export interface DeadLetters {
  /**
   * Keeps a message that was never on the queue. Resolves when it is durable.
   * @param once keeps it as one letter, however often it is put: for a caller that may have to repeat
   *   itself
   */
  put(message: OutgoingMessage, reason: string, once?: "once"): Promise<void>;
  /**
   * Lists the oldest first, at most as many as fit into `listBytes`, but one at least where there is
   * one.
   */
  list(limit: number): Promise<readonly DeadLetter[]>;
  /**
   * Shows all letters, one after the other, each once, about the oldest first. A broker gives out its
   * whole queue for that, so it does it once for all who ask at the same time.
   * @param visit asks the dead letters for nothing. False: it needs none that died later; it may be
   *   shown some all the same
   * @param signal ends it between two letters
   * @throws the signal's reason, and what `visit` throws
   */
  each(
    visit: (letter: DeadLetter) => boolean | Promise<boolean>,
    signal?: AbortSignal,
  ): Promise<void>;
  find(id: string): Promise<DeadLetter | undefined>;
  /**
   * Puts a dead letter back on the queue as a first attempt, then removes it here; a crash between
   * the two may leave both.
   * @returns whether it existed
   */
  replay(id: string): Promise<boolean>;
  remove(id: string): Promise<boolean>;
  /**
   * Gives a dead letter another message in place of `before`; the rest of it stays, and a crash
   * leaves the old message, the new one or both.
   * @returns whether it existed with this message
   */
  replace(id: string, body: Uint8Array, before: Uint8Array): Promise<boolean>;
}

/** The most bytes of messages that one list of dead letters holds. */
export const listBytes = 8_388_608;
