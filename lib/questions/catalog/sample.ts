import type { StoredEvent } from "../../event/event.ts";

/**
 * An answer under way that is made of some events, whole ones, where they are read: its job and its
 * result are plain data. It must not matter in which order they come.
 */
export interface Sample<Result> {
  add(event: StoredEvent): void;
  /** To be called once, after the last event. */
  finish(): Result;
}
