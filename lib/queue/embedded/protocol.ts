import type { ErrorType } from "../../errors.ts";
import type { DeadLetter, Outcome, QueueDepth } from "../queue.ts";

/** The messages between the event loop and the queue's thread. Both directions keep the order. */
export interface EngineOptions {
  readonly file: string;
  readonly maxBytes: number;
  readonly retryDelaysMs: readonly number[];
  /** The longest a publish waits for the thread. */
  readonly publishTimeoutMs: number;
}

/**
 * Messages to keep, packed into one piece of memory, so that a group is sent to the thread once.
 */
export interface Publishes {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly sizes: readonly number[];
  readonly receivedAts: readonly number[];
  /** By `monotonicMs`: from then on no caller waits for these messages, so they are not kept. */
  readonly until: number;
}

/** A delivery's outcome; `unread` gives it back as if it had never been delivered. */
export interface Settlement {
  readonly id: number;
  readonly outcome: Outcome | { readonly status: "unread" };
}

/** Questions and rare changes, answered one by one, after all publishes that were sent before. */
export interface Verbs {
  depth(): QueueDepth;
  forgetAcknowledged(): void;
  put(body: Uint8Array, receivedAt: number, reason: string, once?: "once"): void;
  /** Ids of letters grow: those behind an id, all of them behind "". */
  list(limit: number, after: string): readonly DeadLetter[];
  find(id: string): DeadLetter | undefined;
  replay(id: string): boolean;
  remove(id: string): boolean;
  replace(id: string, body: Uint8Array, before: Uint8Array): boolean;
}

export type Verb = keyof Verbs;

export interface ThreadCall {
  readonly verb: Verb;
  readonly params: readonly unknown[];
}

/**
 * A message from the event loop to the thread: everything that one turn of the event loop gathered.
 */
export interface Requests {
  readonly publishes?: Publishes;
  readonly settlements?: readonly Settlement[];
  readonly calls?: readonly ThreadCall[];
  /** How many deliveries may be under way from now on; 0 stops them. */
  readonly demand?: number;
  readonly close?: true;
}

export interface PushedDelivery {
  readonly id: number;
  readonly body: Uint8Array<ArrayBuffer>;
  readonly receivedAt: number;
  readonly attempt: number;
  readonly redelivered: boolean;
}

export type ThreadReply = { readonly value: unknown } | { readonly error: ErrorType };

/** Publishes that were not kept, as indexes among those of the same report. */
export interface Refusal {
  readonly type: ErrorType;
  readonly indexes: readonly number[];
}

/** A message from the thread to the event loop. */
export type Notice =
  /**
   * The oldest `published` publishes, `settled` settlements and calls without an answer are done.
   */
  | {
      readonly kind: "report";
      readonly published: number;
      readonly refusals: readonly Refusal[];
      readonly settled: number;
      readonly answers: readonly ThreadReply[];
    }
  | { readonly kind: "deliveries"; readonly deliveries: readonly PushedDelivery[] }
  /** Sent once after the start and at each change. `null`: all is well. */
  | { readonly kind: "state"; readonly trouble: string | null }
  /** The last message: all requests were carried out, and the file is closed. */
  | { readonly kind: "closed" }
  /** This version must not touch the file. The thread ends. */
  | { readonly kind: "unfit"; readonly reason: string };
