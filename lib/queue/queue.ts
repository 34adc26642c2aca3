/**
 * The durable queue between ingest and processor. At least once, unordered, bounded.
 * Every sentence here is tested by `test/contract/queue.contract.ts` on every implementation.
 */
export interface DurableQueue {
  /**
   * Keep a message. Resolves when no crash of this process or of the broker can lose it any more.
   * Concurrent calls share one commit. Settles within `publishTimeoutMs`.
   * @throws ServiceError `QUEUE_FULL` when the bound is reached, `QUEUE_UNAVAILABLE` when it could
   * not be made durable: then it is not kept, and is never delivered. `OUTCOME_UNKNOWN` when nobody
   * can tell: then it may be delivered, so its events are to be sent again with the same ids.
   */
  publish(message: OutgoingMessage): Promise<void>;

  /**
   * Deliver messages to `handle`, at most `prefetch` at a time, oldest first where nothing failed.
   * A message stays on the queue until its handler's outcome is carried out: after a crash it is
   * delivered again. One consumer for each queue object.
   */
  consume(handle: Handler, options: { readonly prefetch: number }): Promise<Consumer>;

  /** How much waits, at a cost that does not grow with the backlog. */
  depth(): Promise<QueueDepth>;

  readonly dead: DeadLetters;

  /** Why nothing can be made durable right now, for a person; `null` while all is well. */
  readonly trouble: string | null;

  /** Release everything. Messages not acknowledged stay for the next open. */
  close(): Promise<void>;
}

/** The longest a publish takes, milliseconds, whatever hangs. */
export const publishTimeoutMs = 6_000;

export interface OutgoingMessage {
  readonly body: Uint8Array;
  /** Epoch milliseconds of the oldest event within. */
  readonly receivedAt: number;
}

export interface Delivery {
  readonly body: Uint8Array;
  readonly receivedAt: number;
  /** 1 for the first; counts `retry` outcomes, not crashes. */
  readonly attempt: number;
  /** True where an earlier delivery may have got part of the way. */
  readonly redelivered: boolean;
}

/**
 * What became of a delivery.
 * - `done`: acknowledged, gone.
 * - `retry`: delivered again after the delay of its attempt (`retryDelaysMs`); past the last one it
 *   goes to `.dead`.
 * - `dead`: to `.dead` at once.
 * - `hold`: what it needs is away: given back, no attempt is counted, and nothing is delivered
 *   until `resume`. A handler that throws means `retry` with the error's message.
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
  /** Deliver nothing more until `resume`. Deliveries under way go on. */
  pause(): void;
  resume(): void;
  /** Take no more, wait for the handlers under way and carry out their outcomes. */
  stop(): Promise<void>;
}

export interface QueueDepth {
  /** Messages not yet acknowledged: waiting, delayed or being handled. */
  readonly messages: number;
  readonly sizeBytes: number;
  /** The bound on `sizeBytes`; `null` where the broker keeps it to itself. */
  readonly maxBytes: number | null;
  /** `receivedAt` of the oldest message not yet acknowledged; `null` where there is none. */
  readonly oldestReceivedAt: number | null;
  readonly dead: number;
}

export interface DeadLetter {
  readonly id: string;
  readonly reason: string;
  readonly attempts: number;
  /** Epoch milliseconds. */
  readonly diedAt: number;
  readonly receivedAt: number;
  readonly body: Uint8Array;
}

/** Messages that failed for good. They are kept until someone replays or removes them. */
export interface DeadLetters {
  /** Keep a message here without it ever having been on the queue. Resolves when durable. */
  put(message: OutgoingMessage, reason: string): Promise<void>;
  /** Oldest first. */
  list(limit: number): Promise<readonly DeadLetter[]>;
  find(id: string): Promise<DeadLetter | undefined>;
  /**
   * Back to the queue as a first attempt, then gone from here; a crash between may leave both.
   * @returns whether it was there
   */
  replay(id: string): Promise<boolean>;
  remove(id: string): Promise<boolean>;
}
