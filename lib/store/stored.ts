import type { ProjectId, StoredEvent } from "../event/event.ts";

/**
 * A place in the order in which events were stored, the same for every process on a store: two
 * whole numbers, of which the first counts more. Other code only compares places.
 */
export type Place = readonly [number, number];

/** How long the order of storing is recorded after a follower asked for it. */
export const orderRecordedMs = 360_000;

/** Selects among the events stored behind a place. */
export interface StoredQuery {
  /** `null`: return only the present end of the order. */
  readonly after: Place | null;
  /** The projects whose events are returned. */
  readonly projects: readonly ProjectId[];
  /** The projects whose events are counted. */
  readonly counted: readonly ProjectId[];
  /** The most events that are returned; fewer where they are large. */
  readonly limit: number;
  /** The most events of all projects that may lie between `after` and the end for `isHeld`. */
  readonly window: number;
}

export interface StoredPart {
  /** The events in the order of storing, each once. */
  readonly events: readonly PlacedEvent[];
  /** The place up to which `events` are complete: behind the last one where more may follow. */
  readonly upTo: Place;
  /** The end of the order. */
  readonly end: Place;
  /**
   * How many events lie behind `after` up to `end`, of all requested projects: each project and type
   * once.
   */
  readonly counts: readonly (readonly [ProjectId, type: string, count: number])[];
  /** Whether the store knows everything behind `after`, and that is no more than the window. */
  readonly isHeld: boolean;
  /**
   * Whether events may have been stored behind `after` whose order the store does not know, or not
   * any more. The part is empty then, and ends at the present end of the order.
   */
  readonly hasGap: boolean;
}

export interface PlacedEvent {
  readonly place: Place;
  readonly event: StoredEvent;
}

/** Ascending order of places. */
export function comparePlaces(a: Place, b: Place): number {
  return a[0] - b[0] || a[1] - b[1];
}
