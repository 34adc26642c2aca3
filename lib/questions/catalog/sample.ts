import type { StoredEvent } from "../../event/event.ts";

/**
 * An answer that is made of some whole events, where they are read: its job and its result are
 * plain data. The order of the events must not matter.
 */
export interface Sample<Result> {
  add(event: StoredEvent): void;
  /** Called once, after the last event. */
  finish(): Result;
}
