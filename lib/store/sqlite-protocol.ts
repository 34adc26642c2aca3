import type { DatabaseOptions } from "./sqlite-database.ts";
import type { readerVerbs, writerVerbs } from "./sqlite-verbs.ts";

/** What the event loop and a thread of the store say to each other. */

export type WriterVerbs = typeof writerVerbs;
export type ReaderVerbs = typeof readerVerbs;
export type Verbs = WriterVerbs | ReaderVerbs;

/** A verb's parameters, without the database that the thread adds. */
export type Parameters<V, K extends keyof V> = V[K] extends (
  database: never,
  ...parameters: infer P
) => unknown
  ? P
  : never;

export type Result<V, K extends keyof V> = V[K] extends (...parameters: never) => infer R
  ? R
  : never;

export interface ThreadOptions extends DatabaseOptions {
  /** Whether the event loop goes before it where cores are few. */
  readonly givesWay: boolean;
  /** `Stops`' memory: the calls that nobody waits for any more. */
  readonly stops: SharedArrayBuffer;
}

export interface Call {
  readonly id: number;
  /** `close`: finish what was asked for, close the file and end. Not answered but by the end. */
  readonly verb: string;
  readonly parameters: readonly unknown[];
}

export interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly failure?: Failure;
}

/**
 * - `away`: the file cannot be used right now.
 * - `newer`: a newer version wrote the file.
 * - `expensive`: this one call takes too long, or too much memory.
 * - `stopped`: nobody waits for it any more.
 * - `broken`: an event that it needs cannot be read.
 * - `bad`: this one call cannot be carried out.
 */
export interface Failure {
  readonly kind: "away" | "newer" | "expensive" | "stopped" | "broken" | "bad";
  readonly reason: string;
  /** Whether the file holds what cannot be read. */
  readonly damaged?: boolean;
}
