import type { ProjectId, StoredEvent } from "../event/event.ts";

/**
 * A place in the order in which events were stored, the same for every process on a store: two
 * whole numbers, the first of which counts more. To others it is nothing but a place.
 */
export type Place = readonly [number, number];

/** How long the order of storing is recorded after a follower asked for it. */
export const orderToldMs = 360_000;

/** What of the events stored behind a place is asked for. */
export interface StoredQuery {
  /** `null`: only where the order ends now. */
  readonly after: Place | null;
  /** Whose events are wanted. */
  readonly projects: readonly ProjectId[];
  /** Whose events are counted, besides. */
  readonly counted: readonly ProjectId[];
  /** How many events are given at most. */
  readonly limit: number;
  /** How many events of all projects may lie between `after` and the end for `isHeld`. */
  readonly window: number;
}

export interface StoredPart {
  /** In the order of storing, each once. */
  readonly events: readonly PlacedEvent[];
  /** Up to where `events` are all: behind the last one where there may be more. */
  readonly upTo: Place;
  /** Where the order ends. */
  readonly end: Place;
  /**
   * How many events lie behind `after` up to `end`, by project and type: of all projects asked
   * about.
   */
  readonly counts: readonly (readonly [ProjectId, type: string, count: number])[];
  /** Whether the store can tell everything behind `after`, and that is no more than the window. */
  readonly isHeld: boolean;
}

export interface PlacedEvent {
  readonly place: Place;
  readonly event: StoredEvent;
}

/** Ascending order of places. */
export function comparePlaces(a: Place, b: Place): number {
  return a[0] - b[0] || a[1] - b[1];
}
