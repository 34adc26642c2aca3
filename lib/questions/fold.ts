import { type StoredEvent, userOf } from "../event/event.ts";
import { meets, elementsAt, propertyAt, type Predicate } from "../event/filter.ts";
import { hasElements, type PropertyPath } from "../event/property-path.ts";

/**
 * A value that a fold reads from each event.
 * - `field`: a field of its own. `user` is `userOf` the event; absent fields are `undefined`. A
 *   user that is only counted may come as a hash (`UserHashes`) where columns are read.
 * - `path`: a property of `data`, `metadata` or `context`. A text, number, boolean or null comes as
 *   it is, a missing property as `undefined`, an object or array as `null`. A path to elements
 *   gives all of them, each in this way.
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
 * A fold's column of many events: the number of each event's cell, or the instant itself. Every
 * event is at the same place in all columns.
 */
export type ColumnCells = NumberedCells | UserHashes | Instants;

/** An event's number is the index of its cell. */
export interface NumberedCells {
  readonly numbers: Uint8Array | Uint16Array;
  readonly cells: readonly Cell[];
}

/** The column of `timestamp`. */
export interface Instants {
  /** The oldest and the newest instant of the events that are read, both included. */
  readonly oldest: number;
  readonly newest: number;
  /**
   * The instants, read on the first access. Reading may fail, so it must happen before any event is
   * added.
   */
  readonly instants: Float64Array;
}

/**
 * The first number of a column that stands for a value. The numbers before it stand for events
 * without the property, and for events where it is an object or an array.
 */
export const firstValue = 2;

/**
 * Replaces the cells of a user column where hashes are known. An event's number is 0 where it has
 * no user, else `firstValue` plus an index of `hashes`.
 */
export interface UserHashes {
  readonly numbers: Uint8Array | Uint16Array;
  /** Each user's hash once (`writeHash` of sketch.ts). */
  readonly hashes: Uint8Array;
}

/**
 * The computation of a question's answer. It runs where the events are read, on a thread of the
 * store or beside a database's cursor, so that events need not travel: its parameters and its
 * result are plain data. The order of the events must not matter.
 */
export interface Fold<Result> {
  /** The values that `add` gets of each event, in this order. */
  readonly columns: readonly Column[];
  /**
   * Adds one event. The array is used again for the next one.
   * @throws FoldOverflow where the answer grows beyond its bound
   */
  add(row: readonly Cell[]): void;
  /**
   * Adds many events at once, which is faster than one by one and gives the same answer. Present
   * only in folds that gain by it.
   * @param columns in the order of `columns`; instants for `timestamp` alone
   * @param places the places of the events to add; ascending, not to be changed
   * @throws FoldOverflow as `add`
   */
  readonly addColumns?: (columns: readonly ColumnCells[], places: Uint16Array) => void;
  /**
   * The events added so far as plain data, safe in JSON, which a fold of the same job elsewhere can
   * merge. Called once, in place of `finish`.
   * @throws FoldOverflow as `finish`
   */
  partial(): unknown;
  /**
   * Merges the part of another fold of the same job over other events or another share
   * (`divisionOf`). The answer is that to all events, in whatever way they were divided, and in
   * whatever order parts are merged.
   * @throws FoldOverflow as `add`
   */
  merge(part: unknown): void;
  /** Computes the answer as plain data. Called once, after the last event and the last part. */
  finish(): Result;
}

/**
 * Thrown where the answer would grow too large. The message names the items that are too many, and
 * the bound.
 */
export class FoldOverflow extends Error {
  override readonly name = "FoldOverflow";
}

/** The parts of an event that its columns are read from. */
type Part = Partial<StoredEvent>;

/**
 * Returns a reader of a fold's columns from events, which may lack the parts that no column reads.
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
