import { record, type Cells, type SectionRow } from "../../lib/counting/cells.ts";
import type { Bucket, Grain } from "../../lib/counting/bucket.ts";
import type { StoredEvent } from "../../lib/event/event.ts";
import type { EventStore } from "../../lib/store/store.ts";
import type { Delta } from "../../lib/counting/delta.ts";

/** What differs between implementations. */
export interface StoreTraits {
  /** How many runs each property gets. Default 30. */
  readonly runs?: number;
  /** How many events a test stores that wants many. Default 5,000: more than a stretch of each of two types. */
  readonly many?: number;
  /** Why the tests cannot make it unavailable, where they cannot. */
  readonly cannotBreak?: string;
}

/** One store, empty at first, that can be opened several times in turn. */
export interface StoreHarness {
  open(): Promise<EventStore>;
  /** Take away what the store rests on until the returned function is called. Not called where `cannotBreak` says why. */
  breakIt(): Promise<() => Promise<void>>;
  /** Close what is open and remove everything. */
  dispose(): Promise<void>;
}

export type OpenHarness = () => Promise<StoreHarness>;

/** Runs a test on an empty store, opened once, and removes it afterwards. */
export type OnStore = (
  test: (store: EventStore, harness: StoreHarness) => Promise<void>,
) => () => Promise<void>;

/** 2024-03-05T10:20:00Z, the start of a minute. */
export const minute = Date.UTC(2024, 2, 5, 10, 20);
export const minuteMs = 60_000;
export const hour = Date.UTC(2024, 2, 5, 10);
export const hourMs = 3_600_000;
export const day = Date.UTC(2024, 2, 5);
export const dayMs = 86_400_000;
export const always = { from: 0, to: day + 365 * dayMs };
export const unavailable = { type: "STORE_UNAVAILABLE" };

/** An event of project `p`, of the minute above. */
export function event(id: string, more: Partial<StoredEvent> = {}): StoredEvent {
  return {
    id,
    type: "mail.opened",
    timestamp: minute,
    source: "web",
    receivedAt: minute + 1,
    project: "p",
    context: {},
    batch: "b",
    hash: `hash of ${id}`,
    ...more,
  };
}

export function bucket(start: number = minute, grain: Grain = "minute", project = "p"): Bucket {
  return { project, grain, start };
}

/** Cells of some types, each counted under one value of one dimension. */
export function cells(types: Readonly<Record<string, number>>, value = "web"): Cells {
  const source = record<Record<string, number>>();
  for (const type of Object.keys(types)) source[type] = bare({ [value]: types[type]! });
  return { types: bare(types), users: bare({}), dimensions: bare({ source }) };
}

export function delta(batch: string, of: Cells, start: number = minute): Delta {
  return { batch, bucket: bucket(start), cells: of };
}

/** A copy of a record, without a prototype. */
export function bare<T>(from: Readonly<Record<string, T>>): Record<string, T> {
  return Object.assign(record<T>(), from);
}

export function ids(events: readonly StoredEvent[]): string[] {
  return events.map(({ id }) => id);
}

/** What a JSON text keeps of a value: -0 becomes 0. */
export function asJson<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

/** All that a dimension's section counts. */
export function total({ cells: values }: SectionRow<"source">): number {
  const counts = Object.values(values).flatMap((ofType) => Object.values(ofType));
  return counts.reduce((sum, count) => sum + count, 0);
}
