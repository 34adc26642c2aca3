import type { ErrorType } from "../../errors.ts";
import type { DeadLetter, Outcome, QueueDepth } from "../queue.ts";

/**
 * What the event loop and the queue's thread say to each other. Both ends keep the order of what
 * they send.
 */
export interface EngineOptions {
  readonly file: string;
  readonly maxBytes: number;
  readonly retryDelaysMs: readonly number[];
  /** The longest a publish waits for the thread. */
  readonly publishTimeoutMs: number;
}

/**
 * What one message adds to `sizeBytes` besides its body: its row, its index entries, its share of a
 * page.
 */
export const overheadBytes = 64;

/** Messages to keep, packed into one piece of memory, so that a group costs one hand-over. */
export interface Publishes {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly sizes: readonly number[];
  readonly receivedAts: readonly number[];
  /** By `monotonicMs`: from then on nobody waits for these, so they are not kept. */
  readonly until: number;
}

/** Milliseconds of a clock that all threads of a process share, and that nobody sets. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** A delivery's outcome; `unread` gives it back as if it had never been handed out. */
export interface Settlement {
  readonly id: number;
  readonly outcome: Outcome | { readonly status: "unread" };
}

/**
 * Questions and rare changes, answered one by one, after the publishes that were sent before them.
 */
export interface Verbs {
  depth(): QueueDepth;
  put(body: Uint8Array, receivedAt: number, reason: string): void;
  list(limit: number): readonly DeadLetter[];
  find(id: string): DeadLetter | undefined;
  replay(id: string): boolean;
  remove(id: string): boolean;
}

export type Verb = keyof Verbs;

export interface ThreadCall {
  readonly verb: Verb;
  readonly params: readonly unknown[];
}

/** Event loop to thread: all that one turn of the event loop gathered. */
export interface Requests {
  readonly publishes?: Publishes;
  readonly settlements?: readonly Settlement[];
  readonly calls?: readonly ThreadCall[];
  /** How many deliveries may be out from now on; 0 stops them. */
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

/** Publishes that were not kept: indexes among those of the same report. */
export interface Refusal {
  readonly type: ErrorType;
  readonly indexes: readonly number[];
}

/** Thread to event loop. */
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
  /** The last notice: all requests were carried out, the file is closed. */
  | { readonly kind: "closed" }
  /** The file must not be touched by this version. The thread ends. */
  | { readonly kind: "unfit"; readonly reason: string };
