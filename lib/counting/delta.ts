import { userOf, type BatchId, type ProjectId, type StoredEvent } from "../event/event.ts";
import type { HeldEvent } from "../event/schemas/held.ts";
import { valueReader } from "../event/shown-value.ts";
import { startOf, type Bucket } from "./bucket.ts";
import { maxKeyLength, OTHER, record, type Cells, type ValueCounts } from "./cells.ts";
import { sketchOf, type Sketch } from "./sketch.ts";

/**
 * What a batch adds to each minute that its events lie in (by their timestamps), ascending. Pure:
 * the same events of the same batch make the same deltas in any order; only the order of keys may
 * differ.
 */
export function deltasOf(
  batch: BatchId,
  project: ProjectId,
  events: readonly StoredEvent[],
  dimensions: readonly string[],
): readonly Delta[] {
  const readers = keyReaders(dimensions);
  return byMinute(events).map(([start, within]) => ({
    batch,
    bucket: { project, grain: "minute", start },
    cells: countCells(within, readers),
  }));
}

/** Groups events by the minutes that they lie in, ascending. */
export function byMinute(
  events: readonly StoredEvent[],
): readonly (readonly [start: number, within: readonly StoredEvent[]])[] {
  const minutes = new Map<number, StoredEvent[]>();
  for (const event of events) {
    const start = startOf("minute", event.timestamp);
    const known = minutes.get(start);
    if (known === undefined) minutes.set(start, [event]);
    else known.push(event);
  }
  return [...minutes].sort(([a], [b]) => a - b);
}

/** Readers of the values that events count under, for some dimensions. */
export function keyReaders(dimensions: readonly string[]): readonly Reader[] {
  return dimensions.map((name) => ({ dimension: name, read: keyReader(name) }));
}

/**
 * Returns a reader of the value that an event counts under in a rollup; values that are too long
 * are `(other)`.
 */
function keyReader(dimension: string): (event: StoredEvent) => string {
  const read = valueReader(dimension);
  return (event) => {
    const value = read(event);
    return value.length > maxKeyLength ? OTHER : value;
  };
}

/** The cells of some events of one minute, as `deltasOf` counts them. */
export function keyCells(events: readonly StoredEvent[], dimensions: readonly string[]): Cells {
  return countCells(events, keyReaders(dimensions));
}

/** The cells of some events, with values of any length. */
export function cellsOf(events: readonly StoredEvent[], dimensions: readonly string[]): Cells {
  return countCells(
    events,
    dimensions.map((name) => ({ dimension: name, read: valueReader(name) })),
  );
}

/** Reads the value of a dimension that an event counts under. */
export interface Reader {
  readonly dimension: string;
  readonly read: (event: StoredEvent) => string;
}

interface Tally {
  count: number;
  readonly users: Set<string>;
  /** In the readers' order. Maps, since a key of a record would first have to be internalized. */
  readonly values: readonly Map<string, number>[];
}

/** The cells of some events, by the values that the readers find. */
export function countCells(events: readonly StoredEvent[], readers: readonly Reader[]): Cells {
  const tallies = new Map<string, Tally>();
  for (const event of events) {
    let tally = tallies.get(event.type);
    if (tally === undefined) {
      tally = { count: 0, users: new Set(), values: readers.map(() => new Map()) };
      tallies.set(event.type, tally);
    }
    tally.count++;
    const user = userOf(event);
    if (user !== undefined) tally.users.add(user);
    for (let i = 0; i < readers.length; i++) {
      const counts = tally.values[i]!;
      const value = readers[i]!.read(event);
      counts.set(value, (counts.get(value) ?? 0) + 1);
    }
  }

  const types = record<number>();
  const users = record<Sketch>();
  const dimensions = record<ValueCounts>();
  for (const [type, tally] of tallies) {
    types[type] = tally.count;
    if (tally.users.size > 0) users[type] = sketchOf(tally.users);
  }
  readers.forEach(({ dimension }, i) => {
    const values = record<Readonly<Record<string, number>>>();
    for (const [type, tally] of tallies) values[type] = recordOf(tally.values[i]!);
    dimensions[dimension] = values;
  });
  return { types, users, dimensions };
}

function recordOf(counts: ReadonlyMap<string, number>): Readonly<Record<string, number>> {
  const of = record<number>();
  for (const [value, n] of counts) of[value] = n;
  return of;
}

/** A batch after enrichment. Between threads it travels as a `BatchPack`. */
export interface EnrichDone {
  readonly batch: BatchId;
  readonly project: ProjectId;
  /** The events in the order of the batch, or of `only`. */
  readonly events: readonly StoredEvent[];
  /** What these events add if the batch owns all of them. */
  readonly deltas: readonly Delta[];
  /** Events that break their schema and go into quarantine. */
  readonly broken?: readonly HeldEvent[];
}
export interface DeltasDone {
  readonly deltas: readonly Delta[];
}

/**
 * A minute with fewer deltas than this gets no rollup. Its deltas are read as fast as a rollup, and
 * an import in no order touches more minutes than would be worth a rollup each.
 */
export const fewDeltas = 8;

/** What a batch adds to a minute. */
export interface Delta {
  readonly batch: BatchId;
  readonly bucket: Bucket;
  readonly cells: Cells;
  /** Tells the events that it counts from others (`membersByMinute`); absent where nobody asks. */
  readonly members?: string;
}
