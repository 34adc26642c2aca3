import type { Predicate, PropertyPath } from "../store/store.ts";

/**
 * What a fold reads of each event.
 * - `field`: what events are kept by. `user` is `userOf` the event; absent fields are `undefined`.
 * - `path`: a property of `data`, `metadata` or `context`. A text, number, boolean or null as it is;
 *   `undefined` where it is missing; an object or array is `null`. Of a path to elements: all of them, each so.
 * - `meets`: whether the event meets a predicate.
 */
export type Column =
  | {
      readonly field: "id" | "type" | "timestamp" | "source" | "correlationId" | "user";
    }
  | { readonly path: PropertyPath }
  | { readonly meets: Predicate };

export type Cell = One | readonly One[];

type One = string | number | boolean | null | undefined;

/**
 * A question's answer under way. It runs where the events are read, on a thread of the store or
 * beside a database's cursor, so that events need not travel: its parameters and its result are plain
 * data. It must not matter in which order the events come.
 */
export interface Fold<Result> {
  /** What `add` gets of each event, in this order. */
  readonly columns: readonly Column[];
  /**
   * Takes one event. The array is used again for the next one.
   * @throws FoldOverflow where the answer grows beyond its bound
   */
  add(row: readonly Cell[]): void;
  /** To be called once, after the last event. Plain data. */
  finish(): Result;
}

/** The answer would grow too large; the message says of what there are too many, and how many are allowed. */
export class FoldOverflow extends Error {
  override readonly name = "FoldOverflow";
}
