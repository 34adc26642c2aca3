import { userOf } from "../counting/delta.ts";
import type { StoredEvent } from "../event/event.ts";
import { meets, elementsAt, propertyAt, type Predicate } from "../event/filter.ts";
import { hasElements, type PropertyPath } from "../event/property-path.ts";

/**
 * What a fold reads of each event.
 * - `field`: what events are kept by. `user` is `userOf` the event; absent fields are `undefined`.
 *   A user that is only counted may come as a hash (`UserHashes`) where columns are read.
 * - `path`: a property of `data`, `metadata` or `context`. A text, number, boolean or null as it
 *   is; `undefined` where it is missing; an object or array is `null`. Of a path to elements: all
 *   of them, each so.
 * - `meets`: whether the event meets a predicate.
 */
export type Column =
  | {
      readonly field: "id" | "type" | "timestamp" | "source" | "correlationId" | "user";
      readonly mayBeHashed?: true;
    }
  | { readonly path: PropertyPath }
  | { readonly meets: Predicate };

export type Cell = One | readonly One[];

type One = string | number | boolean | null | undefined;

/**
 * A fold's column of many events: of each the number of its cell, or the instant itself. Every
 * event is at the same place in all columns.
 */
export type ColumnCells = NumberedCells | UserHashes | Instants;

/** An event's number is the place of its cell. */
export interface NumberedCells {
  readonly numbers: Uint8Array | Uint16Array;
  readonly cells: readonly Cell[];
}

/** Of `timestamp`. */
export interface Instants {
  /** All events that are to be taken lie between these two, both included. */
  readonly oldest: number;
  readonly newest: number;
  /**
   * Read when they are first asked for. That may fail, so that it has to come before any event is
   * taken.
   */
  readonly instants: Float64Array;
}

/**
 * Of a column's numbers, the first that is a value's: before it are the one of events without the
 * property and the one of events where it is an object or an array.
 */
export const firstValue = 2;

/**
 * Of a user that may be hashed, in place of the cells, where they are known: an event's number is 0 for none, else
 * `firstValue` plus a place in `hashes`.
 */
export interface UserHashes {
  readonly numbers: Uint8Array | Uint16Array;
  /** Each user's once (`writeHash` of sketch.ts). */
  readonly hashes: Uint8Array;
}

/**
 * A question's answer under way. It runs where the events are read, on a thread of the store or
 * beside a database's cursor, so that events need not travel: its parameters and its result are
 * plain data. It must not matter in which order the events come.
 */
export interface Fold<Result> {
  /** What `add` gets of each event, in this order. */
  readonly columns: readonly Column[];
  /**
   * Takes one event. The array is used again for the next one.
   * @throws FoldOverflow where the answer grows beyond its bound
   */
  add(row: readonly Cell[]): void;
  /**
   * Takes many events at once, which is quicker than one after the other; the answer is the same.
   * Only of folds that gain by it.
   * @param columns in the order of `columns`; instants for `timestamp` alone
   * @param places where the events are that are to be taken; ascending, not to be changed
   * @throws FoldOverflow as `add`
   */
  readonly addColumns?: (columns: readonly ColumnCells[], places: Uint16Array) => void;
  /** To be called once, after the last event. Plain data. */
  finish(): Result;
}

/**
 * The answer would grow too large; the message says of what there are too many, and how many are
 * allowed.
 */
export class FoldOverflow extends Error {
  override readonly name = "FoldOverflow";
}

/** What of an event its columns are read from. */
type Part = Partial<StoredEvent>;

/**
 * Reads a fold's columns from whole events, or from as much of them as the columns ask for.
 * @param user reads the user where the event was loaded without its metadata
 */
export function rowReader<Event extends Part>(
  columns: readonly Column[],
  user: (event: Event) => Cell = userOf,
): (event: Event) => readonly Cell[] {
  const readers = columns.map((column) => readerOf(column, user));
  return (event) => readers.map((read) => read(event));
}
function readerOf<Event extends Part>(
  column: Column,
  user: (event: Event) => Cell,
): (event: Event) => Cell {
  if ("meets" in column) return (event) => Number(meets(event, column.meets));
  if ("path" in column) {
    const { path } = column;
    return hasElements(path)
      ? (event) => elementsAt(event, path).map(scalar)
      : (event) => scalar(propertyAt(event, path));
  }
  const { field } = column;
  return field === "user" ? user : (event) => event[field];
}
function scalar(value: unknown): string | number | boolean | null | undefined {
  return typeof value === "object" ? null : (value as string | number | boolean | undefined);
}
